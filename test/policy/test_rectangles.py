"""Grasp rectangles: their numbers, the actor that executes them, and the files of their networks."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_tables import MIDDLE, Block, attempts, on_heap, on_target, table, turn_between, visible
from grippers import GRIPPER
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import save_file
from shipped_policy import ANALYTIC, COSTS, ranges
from torch import Tensor, nn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import from_mapping, read_yaml
from impurity_grasp_ros.datatypes import Attempt, Grid, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import CheckpointError, NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.analytic import AnalyticActor
from impurity_grasp_ros.policy.checkpoint import load_agent, load_rectangle_agent, save_agent
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import (
    Rectangle,
    RectangleActor,
    RectangleNetwork,
    RectangleNetworkConfig,
    best_proposal,
)
from impurity_grasp_ros.policy.weights_file import AgentConfig, RectangleAgentConfig

SHIPPED = read_yaml("config/rectangles.yaml")["s_rgm"]
DECODING = from_mapping(DecodingConfig, SHIPPED["decoding"])
SMALL = RectangleNetworkConfig((4, 4, 4), 8, 2)
PUSH = ANALYTIC
CELL = load_cell()
TARGET = Block(length=0.05, width=0.03, height=0.04)
ACROSS = Rectangle(55.5, 55.5, math.pi / 2, 0.044, 0.05)
"""A grasp of the target's middle that closes across its length."""

rectangles = st.builds(
    Rectangle,
    st.floats(0, 111),
    st.floats(0, 111),
    st.floats(-10, 10),
    st.floats(0, 0.085),
    st.floats(0, 0.085),
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
    return RectangleActor(FixedNetwork(rectangle.to_numbers()), GRIPPER, DECODING, PUSH)


def decide(chosen: RectangleActor, *blocks: Block, history: list[Attempt] | None = None) -> Primitive:
    """The primitive that the actor chooses when the first of these blocks is the target."""
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
        FixedNetwork(ACROSS.to_numbers()),
        GRIPPER,
        DECODING,
        replace(PUSH, push=replace(PUSH.push, start_distances=())),
    )
    history = attempts([decide(stuck, TARGET)], OutcomeStatus.EMPTY)
    assert decide(stuck, TARGET, history=history).kind is PrimitiveKind.GRASP
    heightmap = table(TARGET)
    with pytest.raises(NoPrimitiveError):
        stuck.select(heightmap, on_heap(heightmap, MIDDLE), [])


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -40.0, 40.0, 0.0])
@pytest.mark.parametrize("place", [MIDDLE, (0.31, -0.18), (0.69, 0.19)])
def test_whatever_is_predicted_passes_the_safety_check(value: float, place: tuple[float, float]) -> None:
    chosen = RectangleActor(FixedNetwork(np.full(6, value)), GRIPPER, DECODING, PUSH)
    grasp = decide(chosen, Block(*place), Block(place[0], place[1] - 0.03))
    check_primitive(grasp, CELL)
    assert 0.0 <= grasp.opening <= 0.085


def test_a_saved_network_comes_back_with_its_configuration(tmp_path: Path) -> None:
    network, path = RectangleNetwork(SMALL).eval(), tmp_path / "rectangles.safetensors"
    save_agent(path, network, RectangleAgentConfig(SMALL, DECODING))
    loaded = load_rectangle_agent(path, GRIPPER, PUSH, torch.device("cpu"))
    states = torch.rand(2, 8, 112, 112)
    with torch.inference_mode():
        torch.testing.assert_close(loaded.network(states), network(states))
    assert loaded.decoding == DECODING


def test_missing_foreign_and_damaged_files_are_named_errors(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match="nowhere"):
        load_rectangle_agent(tmp_path / "nowhere.safetensors", GRIPPER, PUSH)
    noise = tmp_path / "noise.safetensors"
    noise.write_bytes(b"not weights")
    with pytest.raises(CheckpointError, match="noise"):
        load_rectangle_agent(noise, GRIPPER, PUSH)
    foreign = tmp_path / "foreign.safetensors"
    save_file({"a": torch.zeros(1)}, foreign)
    with pytest.raises(CheckpointError, match="configuration"):
        load_rectangle_agent(foreign, GRIPPER, PUSH)
    misfit = tmp_path / "misfit.safetensors"
    save_agent(misfit, RectangleNetwork(SMALL), RectangleAgentConfig(RectangleNetworkConfig((4, 4), 8, 2), DECODING))
    with pytest.raises(CheckpointError, match="fit"):
        load_rectangle_agent(misfit, GRIPPER, PUSH)


def test_a_file_of_the_other_kind_of_actor_is_a_named_error(tmp_path: Path) -> None:
    rectangle_file, agent_file = tmp_path / "rectangles.safetensors", tmp_path / "agent.safetensors"
    save_agent(rectangle_file, RectangleNetwork(SMALL), RectangleAgentConfig(SMALL, DECODING))
    compact = NetworkConfig("compact", 8, 8, (1,))
    save_agent(agent_file, make_network(compact), AgentConfig(compact, DECODING))
    with pytest.raises(CheckpointError, match="rectangle_agent"):
        load_rectangle_agent(agent_file, GRIPPER, PUSH)
    with pytest.raises(CheckpointError, match="configuration of agent"):
        load_agent(rectangle_file, GRIPPER, COSTS)


WORKSPACE = Grid(0.276, -0.224)


def test_the_size_of_a_network_has_its_range() -> None:
    assert ranges(RectangleNetworkConfig) == {"channels": (4, 256), "hidden": (4, 1024), "proposals": (1, 64)}


def test_numbers_are_half_blocks_from_the_middle_the_double_angle_and_parts_of_the_stroke() -> None:
    numbers = Rectangle(65.5, 50.5, math.radians(30), 0.0425, 0.017).to_numbers()
    np.testing.assert_allclose(numbers, [1.0, -0.5, 0.5, 0.8660254, 0.5, 0.2], atol=1e-6)
    assert numbers.dtype == np.float32


@pytest.mark.parametrize(
    ("numbers", "rectangle"),
    [
        ((0.0, 0.0, 1.0, 0.0, 0.0, 0.0), (55.5, 55.5, 0.0, 0.0, 0.0)),
        ((-2.0, 3.0, 0.0, 1.0, 0.5, 0.2), (35.5, 85.5, math.pi / 4, 0.0425, 0.017)),
        ((5.5, 5.6, -1.0, 0.0, 1.0, 1.1), (110.5, 111.0, math.pi / 2, 0.085, 0.085)),
        ((-5.5, -5.6, 0.0, -2.0, -0.1, -1.0), (0.5, 0.0, -math.pi / 4, 0.0, 0.0)),
        ((math.nan, math.inf, math.nan, math.nan, -math.inf, math.inf), (55.5, 111.0, 0.0, 0.0, 0.085)),
    ],
)
def test_numbers_stand_for_a_rectangle_on_the_crop_within_the_stroke(
    numbers: tuple[float, ...], rectangle: tuple[float, ...]
) -> None:
    found = Rectangle.from_numbers(np.array(numbers, np.float32))
    assert (found.row, found.column, found.angle, found.opening, found.height) == pytest.approx(rectangle, abs=1e-6)


def test_the_network_halves_the_image_with_each_convolution_and_ends_with_two_dense_layers() -> None:
    with torch.device("meta"):
        network = RectangleNetwork(from_mapping(RectangleNetworkConfig, SHIPPED["network"]))
    convolutions = [layer for layer in network.features if isinstance(layer, nn.Conv2d)]
    assert [
        (layer.in_channels, layer.out_channels, layer.kernel_size, layer.stride, layer.padding, layer.bias)
        for layer in convolutions
    ] == [
        (8, 16, (5, 5), (2, 2), (2, 2), None),
        (16, 32, (3, 3), (2, 2), (1, 1), None),
        (32, 64, (3, 3), (2, 2), (1, 1), None),
        (64, 64, (3, 3), (2, 2), (1, 1), None),
    ]
    kinds = [nn.Conv2d, nn.BatchNorm2d, nn.ReLU] * 4 + [nn.Flatten]
    assert [type(layer) for layer in network.features] == kinds
    assert [layer.num_features for layer in network.features if isinstance(layer, nn.BatchNorm2d)] == [16, 32, 64, 64]
    first, _, last, shaped = network.head
    assert (first.in_features, first.out_features) == (64 * 7 * 7, 64)  # 112 halved four times
    assert (last.in_features, last.out_features) == (64, 8 * 7)
    assert [type(layer) for layer in network.head] == [nn.Linear, nn.ReLU, nn.Linear, nn.Unflatten]
    assert (shaped.dim, shaped.unflattened_size) == (1, (8, 7))


def test_a_size_that_is_odd_is_halved_upward() -> None:
    deep = RectangleNetwork(RectangleNetworkConfig((4,) * 5, 4, 1)).eval()
    assert deep.head[0].in_features == 4 * 4 * 4  # 112, 56, 28, 14, 7, 4
    with torch.inference_mode():
        assert deep(torch.zeros(2, 8, 112, 112)).shape == (2, 1, 7)


def test_the_proposal_with_the_highest_score_is_the_best_of_each_crop() -> None:
    proposals = torch.arange(2 * 3 * 7.0).reshape(2, 3, 7)
    proposals[..., 6] = torch.tensor([[0.1, 0.9, 0.2], [-1.0, -3.0, -2.0]])
    assert best_proposal(proposals).tolist() == [[7, 8, 9, 10, 11, 12], [21, 22, 23, 24, 25, 26]]


def test_the_tips_of_a_predicted_grasp_reach_30_mm_below_the_top() -> None:
    """44 mm open: closed on 36 mm, 4 mm less on either side, the tips end 1.3 mm above the tool."""
    rise = 0.0573 * (math.cos(0.09) - math.cos(math.asin(0.036 / 0.1146 - math.sin(0.09))))
    assert decide(actor(), TARGET).position[2] == pytest.approx(0.04 - 0.03 - rise, abs=1e-6)


@pytest.mark.parametrize(
    ("row", "column", "lifts"),
    [
        *((0, 30, True), (0, -30, True), (0, 31, False), (0, -31, False)),
        *((19, 0, True), (-19, 0, True), (20, 0, False), (-20, 0, False), (19, -30, True), (-19, 30, True)),
    ],
)
def test_the_palm_of_a_predicted_grasp_stays_above_what_is_within_120_by_75_mm(
    row: int, column: int, lifts: bool
) -> None:
    """A tower of 90 mm lifts the tool to 30 mm; cell (55, 55) of the crop is cell (111, 111) of the workspace."""
    heightmap = table()
    heightmap.height[108:115, 108:115] = 0.04
    heightmap.height[111 + row, 111 + column] = 0.09
    mask = np.zeros((112, 112), np.bool_)
    mask[52:59, 52:59] = True
    crop = heightmap.window(56, 56, 112)
    grasp = actor(Rectangle(55.0, 55.0, 0.0, 0.022, 0.0)).grasp(WORKSPACE, crop, mask)
    assert grasp.position[:2] == pytest.approx((0.499, -0.001), abs=1e-6)
    assert (grasp.position[2] == pytest.approx(0.03, abs=1e-6)) == lifts


class Seeing(nn.Module):
    """Predicts a grasp at the middle of what the state's last channel, the masked heights, shows."""

    def __init__(self) -> None:
        super().__init__()
        self.scale = nn.Parameter(torch.tensor(10.0))

    def forward(self, states: Tensor) -> Tensor:
        weight = states[:, 7] / states[:, 7].sum((1, 2), keepdim=True)
        steps = torch.arange(112) - 55.5
        row, column = (weight * steps[:, None]).sum((1, 2)), (weight * steps).sum((1, 2))
        one, rest = torch.ones_like(row), torch.zeros_like(row)
        return torch.stack([row / self.scale, column / self.scale, -one, rest, 0.5 * one, rest, rest], 1)[:, None]


def test_the_network_sees_the_crop_and_its_mask() -> None:
    heightmap = table(Block(0.47, 0.03), Block(0.53, -0.03, height=0.06))
    attention = on_heap(heightmap, MIDDLE)
    mask = np.zeros((112, 112), np.bool_)
    mask[56:, :56] = True  # smaller x and larger y than the middle
    grasp = RectangleActor(Seeing(), GRIPPER, DECODING, PUSH).grasp(WORKSPACE, attention.crop, mask)
    assert grasp.position[:2] == pytest.approx((0.47, 0.03), abs=0.0015)
    assert grasp.angle == pytest.approx(math.pi / 2)


@pytest.mark.parametrize(
    ("place", "rectangle", "expected"),
    [
        ((0.30, -0.20), (0.0, 0.0), (0.277, -0.223)),
        ((0.70, 0.20), (111.0, 111.0), (0.723, 0.223)),
        ((0.30, 0.20), (111.0, 0.0), (0.277, 0.223)),
    ],
)
def test_a_grasp_outside_the_workspace_is_moved_onto_its_outermost_cell(
    place: tuple[float, float], rectangle: tuple[float, float], expected: tuple[float, float]
) -> None:
    grasp = decide(actor(replace(ACROSS, row=rectangle[0], column=rectangle[1])), Block(*place))
    assert grasp.position[:2] == pytest.approx(expected, abs=1e-6)


def test_an_actor_puts_its_network_into_evaluation_mode() -> None:
    network = RectangleNetwork(SMALL).train()
    chosen = RectangleActor(network, GRIPPER, DECODING, PUSH)
    assert chosen.network is network
    assert chosen.decoding is DECODING
    assert not network.training


def test_around_a_candidate_the_push_is_that_of_a_search_and_after_a_failure_one_for_the_target() -> None:
    blocks = TARGET, TARGET.beside(0.0, 0.03)
    heightmap = table(*blocks)
    pusher = AnalyticActor(GRIPPER, PUSH)
    searching = actor().select(heightmap, on_heap(heightmap, MIDDLE), [])
    assert searching == pusher.push(heightmap, None, MIDDLE, [])
    attention = on_target(heightmap, visible(TARGET, heightmap))
    history = attempts([decide(actor(), *blocks)], OutcomeStatus.EMPTY)
    freeing = actor().select(heightmap, attention, history)
    assert freeing == pusher.push(heightmap, TARGET.cells, attention.center, history)
    assert searching != freeing
