"""Grasp rectangles: their numbers, the actor that follows them, and the files that networks come from."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_tables import MIDDLE, Block, attempts, on_heap, on_target, table, turn_between, visible
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from torch import Tensor, nn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import from_mapping, packaged_parameters, read_yaml
from impurity_grasp_ros.constants import GRIPPER_STROKE
from impurity_grasp_ros.datatypes import Attempt, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.actors import PolicyConfig
from impurity_grasp_ros.policy.checkpoint import (
    AgentConfig,
    RectangleAgentConfig,
    load_agent,
    load_rectangle_agent,
    save_agent,
)
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import Rectangle, RectangleActor, RectangleNetwork, RectangleNetworkConfig

SHIPPED = read_yaml("config/rectangles.yaml")["s_rgm"]
DECODING = from_mapping(DecodingConfig, SHIPPED["decoding"])
SMALL = RectangleNetworkConfig((4, 4, 4), 8, 2)
PUSH = packaged_parameters("policy_node", PolicyConfig).analytic
CELL = load_cell()
TARGET = Block(length=0.05, width=0.03, height=0.04)
ACROSS = Rectangle(55.5, 55.5, math.pi / 2, 0.044, 0.05)
"""A grasp of the target's middle that closes across its length."""

rectangles = st.builds(
    Rectangle,
    st.floats(0, 111),
    st.floats(0, 111),
    st.floats(-10, 10),
    st.floats(0, GRIPPER_STROKE),
    st.floats(0, GRIPPER_STROKE),
)


class FixedNetwork(nn.Module):
    """The same numbers for every crop; a proposal with a lower score is nonsense."""

    def __init__(self, numbers: np.ndarray) -> None:
        super().__init__()
        proposals = np.array([[*np.full(6, -3.0), 0.1], [*numbers, 0.2]], np.float32)
        self.proposals = nn.Parameter(torch.from_numpy(proposals))

    def forward(self, states: Tensor) -> Tensor:
        return self.proposals.expand(len(states), -1, -1)


def actor(rectangle: Rectangle = ACROSS) -> RectangleActor:
    return RectangleActor(FixedNetwork(rectangle.to_numbers()), DECODING, PUSH)


def decide(chosen: RectangleActor, *blocks: Block, history: list[Attempt] | None = None) -> Primitive:
    """What the actor does about the first of these blocks."""
    heightmap = table(*blocks)
    return chosen.select(heightmap, on_target(heightmap, visible(blocks[0], heightmap)), history or [])


@given(rectangles)
def test_a_rectangle_comes_back_from_its_numbers(rectangle: Rectangle) -> None:
    again = Rectangle.from_numbers(rectangle.to_numbers())
    assert (again.row, again.column) == pytest.approx((rectangle.row, rectangle.column), abs=1e-4)
    assert (again.opening, again.height) == pytest.approx((rectangle.opening, rectangle.height), abs=1e-6)
    assert turn_between(again.angle, rectangle.angle, math.pi) < 1e-3


@given(rectangles)
def test_both_directions_of_an_axis_have_the_same_numbers_and_the_axis_across_has_others(rectangle: Rectangle) -> None:
    opposite = replace(rectangle, angle=rectangle.angle + math.pi)
    across = replace(rectangle, angle=rectangle.angle + math.pi / 2)
    np.testing.assert_allclose(opposite.to_numbers(), rectangle.to_numbers(), atol=1e-5)
    assert np.abs(across.to_numbers() - rectangle.to_numbers()).max() > 1.0


def test_the_shipped_network_is_small_and_gives_scored_rectangles() -> None:
    network = RectangleNetwork(from_mapping(RectangleNetworkConfig, SHIPPED["network"])).eval()
    assert sum(parameter.numel() for parameter in network.parameters()) < 500_000
    with torch.inference_mode():
        proposals = network(torch.rand(3, 8, 112, 112))
    assert proposals.shape == (3, SHIPPED["network"]["proposals"], 7)
    assert torch.isfinite(proposals).all()


def test_a_target_is_grasped_as_predicted() -> None:
    grasp = decide(actor(), TARGET)
    assert grasp.kind is PrimitiveKind.GRASP
    assert math.dist(grasp.position[:2], MIDDLE) < 0.003
    assert turn_between(grasp.angle, math.pi / 2, math.pi) < 1e-4
    assert grasp.opening == pytest.approx(0.044)
    assert grasp.position[2] < TARGET.height - DECODING.min_engagement


def test_a_block_under_a_finger_lifts_the_tool() -> None:
    neighbor = replace(TARGET.beside(0.0, 0.032), height=0.035)
    assert decide(actor(), TARGET, neighbor).position[2] > decide(actor(), TARGET).position[2] + 0.005


@pytest.mark.parametrize("failed", [OutcomeStatus.EMPTY, OutcomeStatus.DROPPED, OutcomeStatus.UNREACHABLE])
def test_a_failed_grasp_is_followed_by_a_push_and_that_by_a_grasp(failed: OutcomeStatus) -> None:
    grasp = decide(actor(), TARGET)
    history = attempts([grasp], failed)
    push = decide(actor(), TARGET, history=history)
    assert push.kind is PrimitiveKind.PUSH
    check_primitive(push, CELL)
    history += attempts([push], OutcomeStatus.PUSHED)
    assert decide(actor(), TARGET, history=history) == grasp


def test_a_grasp_that_held_or_failed_elsewhere_is_no_reason_to_push() -> None:
    grasp = decide(actor(), TARGET)
    elsewhere = replace(grasp, position=(0.3, -0.2, 0.02))
    for history in (attempts([grasp], OutcomeStatus.HELD), attempts([elsewhere], OutcomeStatus.EMPTY)):
        assert decide(actor(), TARGET, history=history).kind is PrimitiveKind.GRASP


def test_a_candidate_is_only_pushed() -> None:
    heightmap = table(TARGET, TARGET.beside(0.05, 0.0))
    push = actor().select(heightmap, on_heap(heightmap, MIDDLE), [])
    assert push.kind is PrimitiveKind.PUSH
    check_primitive(push, CELL)


def test_without_any_push_a_target_is_grasped_again_and_a_candidate_is_a_named_error() -> None:
    stuck = RectangleActor(
        FixedNetwork(ACROSS.to_numbers()), DECODING, replace(PUSH, push=replace(PUSH.push, start_distances=()))
    )
    history = attempts([decide(stuck, TARGET)], OutcomeStatus.EMPTY)
    assert decide(stuck, TARGET, history=history).kind is PrimitiveKind.GRASP
    heightmap = table(TARGET)
    with pytest.raises(NoPrimitiveError):
        stuck.select(heightmap, on_heap(heightmap, MIDDLE), [])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -40.0, 40.0, 0.0])
@pytest.mark.parametrize("place", [MIDDLE, (0.31, -0.18), (0.69, 0.19)])
def test_whatever_is_predicted_passes_the_safety_check(value: float, place: tuple[float, float]) -> None:
    chosen = RectangleActor(FixedNetwork(np.full(6, value)), DECODING, PUSH)
    grasp = decide(chosen, Block(*place), Block(place[0], place[1] - 0.03))
    check_primitive(grasp, CELL)
    assert 0.0 <= grasp.opening <= GRIPPER_STROKE


def test_a_saved_network_comes_back_with_its_configuration(tmp_path: Path) -> None:
    network, path = RectangleNetwork(SMALL).eval(), tmp_path / "rectangles.safetensors"
    save_agent(path, network, RectangleAgentConfig(SMALL, DECODING))
    loaded = load_rectangle_agent(path, PUSH, torch.device("cpu"))
    states = torch.rand(2, 8, 112, 112)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(states), network(states))
    assert loaded.decoding == DECODING


def test_missing_foreign_and_damaged_files_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        load_rectangle_agent(tmp_path / "nowhere.safetensors", PUSH)
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="noise"):
        load_rectangle_agent(noise, PUSH)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="configuration"):
        load_rectangle_agent(foreign, PUSH)
    misfit = tmp_path / "misfit.safetensors"
    save_agent(misfit, RectangleNetwork(SMALL), RectangleAgentConfig(RectangleNetworkConfig((4, 4), 8, 2), DECODING))
    with pytest.raises(CheckpointError, match="fit"):
        load_rectangle_agent(misfit, PUSH)


def test_a_file_of_the_other_kind_of_actor_is_a_named_error(tmp_path: Path) -> None:
    rectangle_file, agent_file = tmp_path / "rectangles.safetensors", tmp_path / "agent.safetensors"
    save_agent(rectangle_file, RectangleNetwork(SMALL), RectangleAgentConfig(SMALL, DECODING))
    compact = NetworkConfig("compact", 8, 8, (1,))
    save_agent(agent_file, make_network(compact), AgentConfig(compact, DECODING))
    with pytest.raises(CheckpointError, match="rectangle_agent"):
        load_rectangle_agent(agent_file, PUSH)
    with pytest.raises(CheckpointError, match="configuration of agent"):
        load_agent(rectangle_file)
