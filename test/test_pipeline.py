"""From a camera image to a decision: grasp a target, search a heap, stop when no target is left."""

from dataclasses import dataclass, replace

import numpy as np
import pytest
from grippers import GRIPPER

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import (
    Attempt,
    AttentionState,
    CameraIntrinsics,
    Outcome,
    OutcomeStatus,
    PrimitiveKind,
    RgbdFrame,
)
from impurity_grasp_ros.errors import EmptyCloudError, InvalidFrameError, NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig
from impurity_grasp_ros.pipeline import Pipeline
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.transform import tool_down

CAMERA = CameraIntrinsics(640, 480, 600.0, 600.0, 319.5, 239.5)
CAMERA_HEIGHT = 0.72
BROWN, BLUE, TABLE = (140, 107, 77), (38, 89, 204), (225, 224, 220)


@dataclass(frozen=True)
class Box:
    """An upright, axis-aligned box: center, side lengths and height in meters."""

    x: float
    y: float
    color: tuple[int, int, int] = BROWN
    size: tuple[float, float] = (0.036, 0.044)
    height: float = 0.035


ORDINARY = [Box(0.36 + 0.07 * i, -0.14 + 0.07 * j) for i in range(4) for j in range(5) if (i, j) != (2, 2)]
TARGET = Box(0.5, 0.0, BLUE)
HEAP = [
    *(Box(0.5 + i * 0.036, j * 0.036, size=(0.036, 0.036), height=0.03) for i in (-1, 0, 1) for j in (-1, 0, 1)),
    Box(0.505, 0.004, size=(0.058, 0.054), height=0.058),
]


def photograph(boxes: list[Box]) -> RgbdFrame:
    """The frame of a camera directly above the table, with the tops of the boxes but not their sides."""
    columns, rows = np.meshgrid(np.arange(CAMERA.width_px), np.arange(CAMERA.height_px))
    right, down = (columns - CAMERA.cx_px) / CAMERA.fx_px, (rows - CAMERA.cy_px) / CAMERA.fy_px
    depth = np.full(right.shape, CAMERA_HEIGHT, np.float32)
    color = np.full((*right.shape, 3), TABLE, np.uint8)
    for box in sorted(boxes, key=lambda box: box.height):
        distance = CAMERA_HEIGHT - box.height
        x, y = 0.5 + right * distance, -down * distance
        top = (np.abs(x - box.x) <= box.size[0] / 2) & (np.abs(y - box.y) <= box.size[1] / 2)
        depth[top], color[top] = distance, box.color
    return RgbdFrame(color, depth, CAMERA, tool_down((0.5, 0.0, CAMERA_HEIGHT), 0.0), stamp=4.25)


@pytest.fixture
def pipeline(cell: CellConfig) -> Pipeline:
    """The pipeline with the shipped configuration and the value maps alone, which prefer grasps flush with a side."""
    return Pipeline(
        Site.of(cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        packaged_parameters("attention_node", AttentionConfig),
        make_actor(replace(packaged_parameters("policy_node", PolicyNodeConfig), actor="learned"), GRIPPER),
    )


def test_a_target_among_ordinary_blocks_is_grasped_at_its_middle_across_its_narrow_side(
    pipeline: Pipeline, cell: CellConfig
) -> None:
    decision = pipeline.decide(photograph([*ORDINARY, TARGET]), [])
    assert decision.attention.state is AttentionState.TARGET
    assert decision.heightmap.grid == cell.workspace.grid
    assert decision.heightmap.stamp == 4.25
    grasp = decision.primitive
    assert grasp is not None
    assert grasp.kind is PrimitiveKind.GRASP
    assert grasp.position[:2] == pytest.approx((TARGET.x, TARGET.y), abs=0.006)
    assert np.abs(np.cos(grasp.angle)) > 0.9  # along x
    assert 0.0 < grasp.position[2] < TARGET.height
    check_primitive(grasp, cell)


def test_a_heap_that_may_hide_something_is_pushed(pipeline: Pipeline, cell: CellConfig) -> None:
    decision = pipeline.decide(photograph(HEAP), [])
    assert decision.attention.state is AttentionState.CANDIDATE
    push = decision.primitive
    assert push is not None
    assert push.kind is PrimitiveKind.PUSH
    assert np.hypot(push.position[0] - 0.5, push.position[1]) < 0.1
    check_primitive(push, cell)


def test_a_heap_that_stays_as_it_is_hides_less_and_less(pipeline: Pipeline) -> None:
    frame, history, chances = photograph(HEAP), list[Attempt](), list[float]()
    while (decision := pipeline.decide(frame, history)).primitive is not None and len(history) < 30:
        chances.append(decision.attention.hidden)
        assert decision.primitive.kind is PrimitiveKind.PUSH
        history.append(Attempt(decision.primitive, Outcome(OutcomeStatus.PUSHED, 0.0, 5.0)))
    assert decision.attention.state is AttentionState.CLEAR
    assert len(history) >= 1
    odds = (1.0 - np.array([*chances, decision.attention.hidden])) ** (-1.0 / 0.15) - 1.0
    np.testing.assert_allclose(odds[1:] / odds[:-1], 0.7, atol=0.01)

    beside = replace(TARGET, x=0.38, y=-0.12)
    found = pipeline.decide(photograph([*HEAP, beside]), history)
    assert found.attention.state is AttentionState.TARGET
    assert found.primitive is not None
    history.append(Attempt(found.primitive, Outcome(OutcomeStatus.HELD, 0.03, 4.0)))
    decision = pipeline.decide(frame, history)
    assert decision.attention.state is AttentionState.CANDIDATE, "the heap may be another one"
    pipeline.new_job()
    assert pipeline.decide(frame, []).attention.state is AttentionState.CANDIDATE


@pytest.mark.parametrize("boxes", [ORDINARY, []], ids=["ordinary", "empty"])
def test_without_odd_or_hidden_objects_nothing_is_done(pipeline: Pipeline, boxes: list[Box]) -> None:
    decision = pipeline.decide(photograph(boxes), [])
    assert decision.attention.state is AttentionState.CLEAR
    assert decision.primitive is None


def test_what_is_ordinary_is_remembered_until_a_new_job(pipeline: Pipeline) -> None:
    pipeline.decide(photograph([*ORDINARY, TARGET]), [])
    last = photograph([replace(TARGET, x=0.42)])
    assert pipeline.decide(last, []).attention.state is AttentionState.TARGET
    pipeline.new_job()
    assert pipeline.decide(last, []).attention.state is AttentionState.CLEAR


def test_what_failed_is_not_decided_again(pipeline: Pipeline) -> None:
    frame = photograph([*ORDINARY[::3], TARGET])
    first = pipeline.decide(frame, []).primitive
    assert first is not None
    second = pipeline.decide(frame, [Attempt(first, Outcome(OutcomeStatus.EMPTY, 0.0, 5.0))]).primitive
    assert second not in (first, None)


def test_equal_jobs_get_equal_decisions(pipeline: Pipeline) -> None:
    frames = [photograph([*ORDINARY, TARGET]), photograph([*ORDINARY[4:], TARGET])]
    first = [pipeline.decide(frame, []).primitive for frame in frames]
    pipeline.new_job()
    assert [pipeline.decide(frame, []).primitive for frame in frames] == first


def test_a_bad_frame_is_a_named_error_and_the_next_one_is_decided(pipeline: Pipeline) -> None:
    good = photograph([*ORDINARY, TARGET])
    with pytest.raises(InvalidFrameError, match=r"^color"):
        pipeline.decide(replace(good, color=good.color[::2]), [])
    with pytest.raises(EmptyCloudError, match="readings"):
        pipeline.decide(replace(good, depth=np.zeros_like(good.depth)), [])
    assert pipeline.decide(good, []).primitive is not None


def test_an_actor_that_finds_nothing_to_do_is_heard(cell: CellConfig) -> None:
    policy = packaged_parameters("policy_node", PolicyNodeConfig)
    stuck = replace(policy.analytic, push=replace(policy.analytic.push, start_distances=()))
    pipeline = Pipeline(
        Site.of(cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        packaged_parameters("attention_node", AttentionConfig),
        make_actor(replace(policy, actor="analytic", analytic=stuck), GRIPPER),
    )
    with pytest.raises(NoPrimitiveError):
        pipeline.decide(photograph(HEAP), [])
