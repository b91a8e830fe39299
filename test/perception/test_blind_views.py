"""Frames in which a target cannot be seen, or ordinary objects would be taken for one: never clear, never a grasp.

The short run is a sample of the long one, which makes 200 frames of hidden targets and 180 of wrong depth or light.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace

import numpy as np
import pytest
from drawn_views import COLORS, farther, flat_hand, intruder, lit, paint, placed, without_depth
from grippers import GRIPPER
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState, RgbdFrame
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ViewConfig
from impurity_grasp_ros.pipeline import Pipeline
from impurity_grasp_ros.policy.analytic import AnalyticActor, AnalyticConfig
from impurity_grasp_ros.simulation.environment import Environment

Mask = NDArray[np.bool_]
Spoil = Callable[[RgbdFrame, Mask, np.random.Generator], RgbdFrame]

FIRST_SEED = 7000
"""Thresholds were chosen on scenes with seeds 5000 to 5039."""


def middle(target: Mask) -> tuple[int, int]:
    rows, columns = np.nonzero(target)
    return int(np.median(rows)), int(np.median(columns))


def around(target: Mask, rows: int, columns: int) -> Mask:
    """A rectangle of that size about the target."""
    row, column = middle(target)
    mask = np.zeros_like(target)
    mask[max(0, row - rows // 2) : row + rows // 2, max(0, column - columns // 2) : column + columns // 2] = True
    return mask


def half(target: Mask) -> Mask:
    """The half of the view in which the target lies."""
    _, column = middle(target)
    mask = np.zeros_like(target)
    mask[:, : 320 if column < 320 else None] = True
    if column >= 320:
        mask[:, :320] = False
    return mask


def below(frame: RgbdFrame, target: Mask) -> tuple[float, float]:
    """Where the target lies, (x, y) in meters."""
    row, column = middle(target)
    model = frame.intrinsics
    across, down = (column - model.cx_px) / model.fx_px * 0.69, (row - model.cy_px) / model.fy_px * 0.69
    place = frame.T_base_camera @ np.array([across, down, 0.69, 1.0])
    return float(place[0]), float(place[1])


def hand_over(frame: RgbdFrame, target: Mask, rng: np.random.Generator) -> RgbdFrame:
    """The palm over the target."""
    x, y = below(frame, target)
    yaw = rng.uniform(-np.pi, np.pi)
    hand = placed(flat_hand(), x + 0.04 * np.cos(yaw), y + 0.04 * np.sin(yaw), rng.uniform(0.05, 0.15), yaw)
    return paint(frame, hand, list(COLORS.values())[rng.integers(len(COLORS))])


HIDDEN: dict[str, Spoil] = {
    "90 % of depth missing": lambda f, t, rng: without_depth(f, rng.random(t.shape) < 0.9),
    "blind strip across": lambda f, t, rng: without_depth(f, around(t, 60, 2000)),
    "blind strip along": lambda f, t, rng: without_depth(f, around(t, 2000, 60)),
    "half of the view": lambda f, t, rng: without_depth(f, half(t)),
    "target without depth": lambda f, t, rng: without_depth(f, t),
    "black target without depth": lambda f, t, rng: replace(
        without_depth(f, t), color=np.where(t[..., None], np.uint8(12), f.color)
    ),
    "lights out": lambda f, t, rng: lit(f, rng.uniform(0.0, 0.15)),
    "hand over the target": hand_over,
}
WRONG: dict[str, Spoil] = {
    **{f"depth {mm:+d} mm": (lambda f, t, rng, mm=mm: farther(f, 1e-3 * mm)) for mm in (-15, -10, -5, 5, 10, 15)},
    "half of the light": lambda f, t, rng: lit(f, 0.5),
    "lights out": lambda f, t, rng: lit(f, rng.uniform(0.0, 0.15)),
    "fist": lambda f, t, rng: paint(f, intruder("fist", rng), COLORS["orange glove"]),
}


def pipeline(environment: Environment) -> Pipeline:
    return Pipeline(
        Site.of(environment.cell),
        packaged_parameters("heightmap_node", ProjectionConfig, "projection"),
        packaged_parameters("heightmap_node", ViewConfig, "view"),
        packaged_parameters("attention_node", AttentionConfig),
        AnalyticActor(GRIPPER, packaged_parameters("policy_node", AnalyticConfig, "analytic")),
    )


def verdict(sight: Pipeline, frame: RgbdFrame) -> str:
    """What a frame leads to: the code of a refusal, or what would be done."""
    try:
        decision = sight.decide(frame, [])
    except ImpurityGraspError as error:
        return error.code.name
    return decision.attention.state.name if decision.primitive is None else f"does {decision.primitive.kind.name}"


def verdicts(environment: Environment, spoils: dict[str, Spoil], scenes: int, targets: int) -> Iterator[str]:
    """All spoiled views of some scenes, in turn as first and as later view of a job."""
    sight = pipeline(environment)
    for seed in range(FIRST_SEED, FIRST_SEED + scenes):
        environment.reset(seed, "random", targets, 8)
        frame, bodies = environment.camera.capture_with_bodies()
        chosen = environment.scene.targets or tuple(environment.scene.blocks)
        mask = bodies == chosen[0]
        rng = np.random.default_rng(seed)
        for number, (name, spoil) in enumerate(spoils.items()):
            sight.new_job()
            later = name == "half of the light" or (seed + number) % 2 == 0
            if later:
                sight.decide(frame, [])
            yield f"{name}: {verdict(sight, spoil(frame, mask, rng))}"


def count(spoils: dict[str, Spoil], scenes: int, targets: int) -> Counter[str]:
    environment = Environment()
    found = Counter(verdicts(environment, spoils, scenes, targets))
    environment.close()
    return found


def wrong(found: Counter[str]) -> Counter[str]:
    """Views that led to anything but a refusal."""
    decided = (AttentionState.CLEAR.name, "does GRASP", "does PUSH")
    return Counter({what: number for what, number in found.items() if what.endswith(decided)})


@pytest.mark.sim
def test_a_few_hidden_targets_and_wrong_views_lead_to_nothing() -> None:
    found = count(HIDDEN, 2, 1) + count(WRONG, 2, 0)
    assert found.total() == 34
    assert not wrong(found)


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    ("what", "spoils", "scenes", "targets"),
    [("hidden targets", HIDDEN, 25, 1), ("wrong depth or light, nothing odd there", WRONG, 20, 0)],
)
def test_hidden_targets_and_wrong_views_lead_to_nothing(
    what: str, spoils: dict[str, Spoil], scenes: int, targets: int, capsys: pytest.CaptureFixture[str]
) -> None:
    found = count(spoils, scenes, targets)
    with capsys.disabled():
        print(f"\n{what}: {found.total()} frames, {wrong(found).total()} of them acted upon or called clear")
        for name, number in sorted(found.items()):
            print(f"  {name}: {number}")
    assert found.total() == scenes * len(spoils)
    assert not wrong(found)
