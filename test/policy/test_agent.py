"""The learned actor does what its maps say, stays within what is feasible, and does not repeat itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_tables import MIDDLE, Block, attempts, on_heap, on_target, table, visible
from torch import Tensor, nn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import Attempt, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.agent import MEMORY, QAgent, value_maps
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.push_planner import is_similar

CONFIG = DecodingConfig(0.03, 0.01, 0.006, 0.002, 0.002, 0.01, 0.006, 0.02, 0.055, "target", 0.0, 0.0, 0.0)
CELL = load_cell()
TARGET = Block(length=0.05, width=0.034)


class FixedNetwork(nn.Module):
    """Values that grasps and pushes get everywhere; a little more towards the middle, so that ties are rare."""

    def __init__(self, grasp: float, push: float) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.tensor([grasp, push]))

    def forward(self, views: Tensor) -> Tensor:
        steps = torch.linspace(-1, 1, views.shape[2])
        bump = -0.01 * (steps[:, None] ** 2 + steps[None, :] ** 2)
        return (self.levels[:, None, None] + bump).expand(len(views), -1, -1, -1)


def agent(grasp: float, push: float) -> QAgent:
    return QAgent(FixedNetwork(grasp, push), CONFIG)


def decide(actor: QAgent, *blocks: Block, history: list[Attempt] | None = None) -> Primitive:
    """What the actor does about the first of these blocks."""
    heightmap = table(*blocks)
    return actor.select(heightmap, on_target(heightmap, visible(blocks[0], heightmap)), history or [])


def test_the_primitive_with_the_higher_value_is_chosen() -> None:
    assert decide(agent(1.0, 0.5), TARGET).kind is PrimitiveKind.GRASP
    assert decide(agent(0.5, 1.0), TARGET).kind is PrimitiveKind.PUSH
    assert decide(agent(1.0, 0.5), TARGET).q_value == pytest.approx(1.0, abs=0.01)


def test_a_push_costs_and_is_reported_with_its_own_value() -> None:
    cheap = QAgent(FixedNetwork(0.5, 1.0), replace(CONFIG, push_cost=0.4))
    assert decide(cheap, TARGET).kind is PrimitiveKind.PUSH
    assert decide(cheap, TARGET).q_value == pytest.approx(1.0, abs=0.05)
    dear = QAgent(FixedNetwork(0.5, 1.0), replace(CONFIG, push_cost=0.6))
    assert decide(dear, TARGET).kind is PrimitiveKind.GRASP


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_among_equal_values_the_grasp_that_fits_best_is_chosen(angle: float) -> None:
    fitting = QAgent(FixedNetwork(1.0, 0.5), replace(CONFIG, misfit_cost=500.0))
    grasp = decide(fitting, replace(TARGET, angle=angle))
    off_axis = (grasp.angle - angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off_axis) <= np.pi / 16, "a side is met flat, as far as 16 rotations allow"
    assert np.hypot(grasp.position[0] - TARGET.x, grasp.position[1] - TARGET.y) < 0.012


def test_a_lone_block_is_grasped_at_its_middle_and_a_candidate_is_only_pushed() -> None:
    grasp = decide(agent(1.0, 0.5), TARGET)
    assert np.hypot(grasp.position[0] - TARGET.x, grasp.position[1] - TARGET.y) < 0.008
    heightmap = table(TARGET)
    assert agent(1.0, 0.5).select(heightmap, on_heap(heightmap, MIDDLE), []).kind is PrimitiveKind.PUSH


@pytest.mark.parametrize("level", [0.0, 1.0])
@pytest.mark.parametrize("place", [MIDDLE, (0.31, -0.18), (0.69, 0.19)])
def test_every_choice_passes_the_safety_check(level: float, place: tuple[float, float]) -> None:
    primitive = decide(agent(1.0 - level, level), Block(*place), Block(place[0] + 0.06, place[1]))
    check_primitive(primitive, CELL)


@pytest.mark.parametrize("failed", [OutcomeStatus.EMPTY, OutcomeStatus.DROPPED])
def test_a_failed_grasp_is_not_repeated(failed: OutcomeStatus) -> None:
    actor = agent(1.0, 0.5)
    tried: list[Primitive] = []
    for _ in range(4):
        grasp = decide(actor, TARGET, history=attempts(tried, failed))
        assert not any(is_similar(grasp, other) for other in tried)
        tried.append(grasp)


def test_grasps_that_failed_speak_for_a_push() -> None:
    actor = QAgent(FixedNetwork(1.0, 0.5), replace(CONFIG, failure_cost=0.3))
    failed = [decide(actor, TARGET)]
    failed.append(decide(actor, TARGET, history=attempts(failed, OutcomeStatus.EMPTY)))
    assert [primitive.kind for primitive in failed] == [PrimitiveKind.GRASP] * 2, "0.7 against 0.5"
    history = attempts(failed, OutcomeStatus.EMPTY)
    assert decide(actor, TARGET, history=history).kind is PrimitiveKind.PUSH
    elsewhere = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)], OutcomeStatus.HELD)
    assert decide(actor, TARGET, history=[*history, *elsewhere]).kind is PrimitiveKind.GRASP, "forgotten"


def test_a_recent_push_is_not_repeated_but_an_older_one_may_be() -> None:
    actor = agent(0.5, 1.0)
    first = decide(actor, TARGET)
    second = decide(actor, TARGET, history=attempts([first], OutcomeStatus.PUSHED))
    assert not is_similar(first, second)
    elsewhere = [Primitive.push((0.3, 0.2, 0.01), 0.1 * step) for step in range(MEMORY)]
    again = decide(actor, TARGET, history=attempts([first, *elsewhere], OutcomeStatus.PUSHED))
    assert is_similar(first, again)


def test_an_empty_table_is_a_named_error() -> None:
    heightmap = table()
    with pytest.raises(NoPrimitiveError):
        agent(1.0, 1.0).select(heightmap, on_heap(heightmap, MIDDLE), [])


def test_grasp_values_are_those_of_the_same_grasp_turned_by_half() -> None:
    torch.manual_seed(0)
    network = make_network(NetworkConfig("compact", 8, 8, (1,))).eval()
    state = np.random.default_rng(0).normal(size=(112, 112, 8)).astype(np.float32)
    grasps, pushes = value_maps(network, state)
    np.testing.assert_allclose(grasps[8:], grasps[:8, ::-1, ::-1], atol=1e-5)
    assert not np.allclose(pushes[8:], pushes[:8, ::-1, ::-1], atol=1e-3)
