"""The learned actor chooses the feasible action that is best after costs, and does not repeat itself."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest
import torch
from drawn_tables import GRID, MIDDLE, Block, attempts, on_heap, on_target, table, visible
from grippers import GRIPPER
from numpy.typing import NDArray
from shipped_policy import ANYTHING, COSTS, DECODING, NO_COSTS, FixedNetwork
from torch import Tensor, nn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import Attempt, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.agent import (
    Action,
    QAgent,
    Situation,
    best_action,
    choose,
    greedy_value,
    masked_values,
    situation_of,
    value_maps,
)
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import decode_grasps, decode_open_grasps
from impurity_grasp_ros.policy.history import is_similar
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.observation import all_views, view_of
from impurity_grasp_ros.policy.push_decoding import decode_pushes

CELL = load_cell()
TARGET = Block(length=0.05, width=0.034)


def agent(grasp: float, push: float) -> QAgent:
    return QAgent(FixedNetwork(grasp, push), GRIPPER, DECODING, COSTS)


def decide(actor: QAgent, *blocks: Block, history: list[Attempt] | None = None) -> Primitive:
    """The primitive that the actor chooses when the first of these blocks is the target."""
    heightmap = table(*blocks)
    return actor.select(heightmap, on_target(heightmap, visible(blocks[0], heightmap)), history or [])


def test_the_primitive_with_the_higher_value_is_chosen() -> None:
    assert decide(agent(1.0, 0.5), TARGET).kind is PrimitiveKind.GRASP
    assert decide(agent(0.5, 2.5), TARGET).kind is PrimitiveKind.PUSH
    assert decide(agent(1.0, 0.5), TARGET).q_value == pytest.approx(1.0, abs=0.01)


def test_a_push_costs_1_3_and_is_reported_with_its_own_value() -> None:
    """A grasp of the middle is worth 0.5 and costs at most 0.05; pushes lie within 0.02 of their level."""
    push = decide(agent(0.5, 1.85), TARGET)
    assert push.kind is PrimitiveKind.PUSH
    assert push.q_value == pytest.approx(1.85, abs=0.02)
    assert decide(agent(0.5, 1.74), TARGET).kind is PrimitiveKind.GRASP


@pytest.mark.parametrize("angle", [0.0, 0.4, 1.2])
def test_among_equal_values_the_grasp_that_fits_best_is_chosen(angle: float) -> None:
    grasp = decide(agent(1.0, 0.5), replace(TARGET, angle=angle))
    off_axis = (grasp.angle - angle + np.pi / 4) % (np.pi / 2) - np.pi / 4
    assert abs(off_axis) <= np.pi / 16, "a side is met flat, as far as 16 rotations allow"
    assert np.hypot(grasp.position[0] - TARGET.x, grasp.position[1] - TARGET.y) < 0.012


def test_a_lone_block_is_grasped_at_its_middle_and_a_candidate_is_only_pushed() -> None:
    grasp = decide(agent(1.0, 0.5), TARGET)
    assert np.hypot(grasp.position[0] - TARGET.x, grasp.position[1] - TARGET.y) < 0.008
    heightmap = table(TARGET)
    assert agent(1.0, 0.5).select(heightmap, on_heap(heightmap, MIDDLE), []).kind is PrimitiveKind.PUSH


@pytest.mark.parametrize("level", [0.0, 3.0])
@pytest.mark.parametrize("place", [MIDDLE, (0.31, -0.18), (0.69, 0.19)])
def test_every_choice_passes_the_safety_check(level: float, place: tuple[float, float]) -> None:
    primitive = decide(agent(1.0 - level, level), Block(*place), Block(place[0] + 0.06, place[1]))
    assert primitive.kind is (PrimitiveKind.PUSH if level else PrimitiveKind.GRASP)
    check_primitive(primitive, CELL)


@pytest.mark.parametrize("failed", [OutcomeStatus.EMPTY, OutcomeStatus.DROPPED])
def test_a_failed_grasp_is_not_repeated(failed: OutcomeStatus) -> None:
    actor = agent(1.0, 0.5)
    tried: list[Primitive] = []
    for _ in range(4):
        grasp = decide(actor, TARGET, history=attempts(tried, failed))
        assert not any(is_similar(grasp, other) for other in tried)
        tried.append(grasp)


def test_failed_grasps_make_a_push_preferable() -> None:
    actor = agent(1.0, 1.85)  # a push is worth 0.55
    failed = [decide(actor, TARGET)]
    failed.append(decide(actor, TARGET, history=attempts(failed, OutcomeStatus.EMPTY)))
    assert [primitive.kind for primitive in failed] == [PrimitiveKind.GRASP] * 2, "0.7 against 0.55"
    history = attempts(failed, OutcomeStatus.EMPTY)
    assert decide(actor, TARGET, history=history).kind is PrimitiveKind.PUSH
    elsewhere = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)], OutcomeStatus.HELD)
    assert decide(actor, TARGET, history=[*history, *elsewhere]).kind is PrimitiveKind.GRASP, "forgotten"


def test_a_recent_push_is_not_repeated_but_an_older_one_may_be() -> None:
    actor = agent(0.5, 3.0)
    first = decide(actor, TARGET)
    second = decide(actor, TARGET, history=attempts([first], OutcomeStatus.PUSHED))
    assert not is_similar(first, second)
    elsewhere = [Primitive.push((0.3, 0.2, 0.01), 0.1 * step) for step in range(3)]
    still = decide(actor, TARGET, history=attempts([first, *elsewhere[1:]], OutcomeStatus.PUSHED))
    assert not is_similar(first, still)
    again = decide(actor, TARGET, history=attempts([first, *elsewhere], OutcomeStatus.PUSHED))
    assert is_similar(first, again)


def test_an_empty_table_is_a_named_error() -> None:
    heightmap = table()
    with pytest.raises(NoPrimitiveError):
        agent(1.0, 1.0).select(heightmap, on_heap(heightmap, MIDDLE), [])


def test_a_grasp_has_the_same_value_after_half_a_turn_and_a_push_does_not() -> None:
    torch.manual_seed(0)
    network = make_network(NetworkConfig("compact", 8, 8, (1,))).eval()
    state = np.random.default_rng(0).normal(size=(112, 112, 8)).astype(np.float32)
    grasps, pushes = value_maps(network, state)
    np.testing.assert_allclose(grasps[8:], grasps[:8, ::-1, ::-1], atol=1e-5)
    assert not np.allclose(pushes[8:], pushes[:8, ::-1, ::-1], atol=1e-3)


FAR = Primitive.grasp((0.3, 0.2, 0.01), 0.0)
"""A grasp far away from the target."""


@cache
def situation(graspable: str = "target", of_target: bool = True) -> Situation:
    """The actions on a crop around a block in the middle of the workspace."""
    heightmap = table(TARGET)
    attention = on_target(heightmap, TARGET.cells)
    config = DECODING if graspable == "target" else ANYTHING
    return situation_of(attention.crop, attention.mask, of_target, GRID, GRIPPER, config, COSTS)


def values_of(values: dict[Action, float]) -> NDArray[np.float32]:
    """Maps of values in which only these actions are possible."""
    maps = np.full((2, 16, 160, 160), -np.inf, np.float32)
    for action, value in values.items():
        maps[action.kind, action.rotation, action.row, action.column] = value
    return maps


def grasp_at(row: int, column: int, rotation: int = 0) -> Action:
    return Action(PrimitiveKind.GRASP, rotation, row, column)


def push_at(row: int, column: int, rotation: int = 0) -> Action:
    return Action(PrimitiveKind.PUSH, rotation, row, column)


def chosen(values: dict[Action, float], history: list[Attempt] | None = None, costs: CostConfig = COSTS) -> Primitive:
    return choose(values_of(values), replace(situation(), cost_config=costs), history or [])


def test_actions_are_decoded_from_each_view_and_grasps_are_the_same_after_half_a_turn() -> None:
    crop, mask = situation().crop, situation().state[..., 7] > 0
    assert mask.sum() == TARGET.cells.sum()
    corners = np.ones((112, 112), np.uint8)
    for rotation in range(16):
        view = view_of(rotation)
        height = view.render(crop.height)
        pushes = decode_pushes(height, view, crop.grid, GRID, view.render(corners) > 0, GRIPPER, DECODING)
        grasps = decode_grasps(height, view.render(mask.astype(np.uint8)) > 0, 0.002, GRIPPER, DECODING)
        same, other = (
            situation().options[PrimitiveKind.GRASP][rotation],
            situation().options[PrimitiveKind.PUSH][rotation],
        )
        for name in ("feasible", "z", "opening", "misfit"):
            np.testing.assert_array_equal(getattr(other, name), getattr(pushes, name))
            if rotation < 8:
                np.testing.assert_array_equal(getattr(same, name), getattr(grasps, name))
                turned = situation().options[PrimitiveKind.GRASP][rotation + 8]
                np.testing.assert_array_equal(getattr(turned, name), getattr(grasps, name)[::-1, ::-1])
    assert [len(options) for options in situation().options] == [16, 16]


def test_where_anything_may_be_grasped_grasps_are_open_and_the_mask_does_not_matter() -> None:
    crop = situation("anything").crop
    for of_target in (True, False):
        grasps = situation("anything", of_target).options[PrimitiveKind.GRASP]
        assert len(grasps) == 16
        for rotation in (0, 3, 7):
            expected = decode_open_grasps(view_of(rotation).render(crop.height), 0.002, GRIPPER, ANYTHING)
            assert expected.feasible.any()
            np.testing.assert_array_equal(grasps[rotation].feasible, expected.feasible)
            np.testing.assert_array_equal(grasps[rotation].z, expected.z)
            np.testing.assert_array_equal(grasps[rotation + 8].z, expected.z[::-1, ::-1])


def test_the_maps_of_a_situation_are_those_of_its_options() -> None:
    feasible, costs = situation().feasible, situation().costs
    assert feasible.shape == costs.shape == (2, 16, 160, 160)
    for kind in (PrimitiveKind.GRASP, PrimitiveKind.PUSH):
        for rotation in (0, 5, 15):
            option = situation().options[kind][rotation]
            np.testing.assert_array_equal(feasible[kind, rotation], option.feasible)
            if kind is PrimitiveKind.GRASP:
                np.testing.assert_array_equal(costs[kind, rotation], (250.0 * option.misfit).astype(np.float32))
    assert costs.dtype == np.float32
    assert costs[PrimitiveKind.GRASP].any()
    assert (costs[PrimitiveKind.PUSH] == np.float32(1.3)).all()


def test_each_cost_is_a_parameter_of_its_own() -> None:
    """A grasp of misfit 0.1 mm, one of 0.9 mm, and a push."""
    fits, off_center, push = grasp_at(79, 79), grasp_at(79, 75), push_at(20, 20)
    values = {fits: 0.8, off_center: 0.9, push: 2.0}
    assert chosen(values).q_value == pytest.approx(0.8), "0.775, 0.675 and 0.7"
    assert chosen(values, costs=replace(COSTS, misfit_cost=100.0)).q_value == pytest.approx(0.9), "0.79, 0.81 and 0.7"
    assert chosen(values, costs=replace(COSTS, push_cost=1.2)).q_value == pytest.approx(2.0), "0.775, 0.675 and 0.8"
    failed = attempts([FAR], OutcomeStatus.EMPTY)
    assert chosen(values, failed, replace(COSTS, failure_cost=0.0)).q_value == pytest.approx(0.8)
    assert chosen(values, failed, replace(COSTS, failure_cost=0.1)).q_value == pytest.approx(2.0), "0.675, 0.575, 0.7"
    assert chosen(values, failed, NO_COSTS).q_value == pytest.approx(2.0), "the plain maximum"


def test_an_action_stands_for_the_primitive_of_its_view_and_pixel() -> None:
    push = situation().primitive(push_at(79, 100, 4), 1.5)
    x, y = situation().crop.grid.to_meters(*view_of(4).to_cell(79.0, 100.0))
    assert push.position[:2] == pytest.approx((x, y))
    assert (push.kind, push.angle, push.q_value) == (PrimitiveKind.PUSH, pytest.approx(np.pi / 2), 1.5)
    assert situation().primitive(grasp_at(79, 79, 2)).q_value == 0.0


class Ramps(nn.Module):
    """A network whose values depend on the view, the pixel, and the heights in the view."""

    def __init__(self) -> None:
        super().__init__()
        self.slope = nn.Parameter(torch.tensor(3.0))

    def forward(self, views: Tensor) -> Tensor:
        count, _, rows, columns = views.shape
        ramp = (
            torch.arange(rows)[:, None] + self.slope * torch.arange(columns) + 10.0 * torch.arange(count)[:, None, None]
        )
        return 100.0 * views[:, [3, 7]] + ramp[:, None]


def test_values_are_those_of_the_views_and_for_grasps_the_mean_with_the_view_half_a_turn_away() -> None:
    state = np.random.default_rng(1).normal(size=(112, 112, 8)).astype(np.float32)
    views, (row, column) = all_views(state), np.indices((160, 160))
    maps = value_maps(Ramps(), state)
    assert maps.shape == (2, 16, 160, 160)
    assert maps.dtype == np.float32
    assert maps.flags.c_contiguous
    single = [100.0 * views[turn, 3] + row + 3.0 * column + 10.0 * turn for turn in range(16)]
    for turn in range(16):
        pushes = 100.0 * views[turn, 7] + row + 3.0 * column + 10.0 * turn
        np.testing.assert_allclose(maps[PrimitiveKind.PUSH, turn], pushes, rtol=1e-5, atol=1e-3)
        grasps = (single[turn] + single[(turn + 8) % 16][::-1, ::-1]) / 2
        np.testing.assert_allclose(maps[PrimitiveKind.GRASP, turn], grasps, rtol=1e-5, atol=1e-3)


def test_an_infeasible_action_has_no_value() -> None:
    values = masked_values(FixedNetwork(1.0, 2.0), situation())
    np.testing.assert_array_equal(np.isfinite(values), situation().feasible)
    assert (values[~situation().feasible] == -np.inf).all()
    np.testing.assert_allclose(values[PrimitiveKind.GRASP][situation().feasible[0]], 1.0, atol=0.021)
    np.testing.assert_allclose(values[PrimitiveKind.PUSH][situation().feasible[1]], 2.0, atol=0.021)


def test_the_first_of_equal_values_is_the_best_and_its_indices_are_plain_numbers() -> None:
    best = best_action(values_of({grasp_at(5, 9): 0.5, push_at(7, 8, 3): 0.5}))
    assert best == grasp_at(5, 9)
    assert [type(best.kind), type(best.rotation), type(best.row), type(best.column)] == [PrimitiveKind, int, int, int]


def test_the_greedy_value_is_that_of_the_action_that_is_best_after_costs() -> None:
    grasp = grasp_at(79, 79)  # fits: costs nothing worth mentioning
    assert greedy_value(values_of({grasp: 0.8, push_at(20, 20): 2.0}), situation()) == pytest.approx(0.8)
    assert greedy_value(values_of({grasp: 0.8, push_at(20, 20): 2.2}), situation()) == pytest.approx(2.2)
    assert greedy_value(values_of({}), situation()) == 0.0


def test_costs_decide_and_the_value_itself_is_reported() -> None:
    grasp = grasp_at(79, 79)
    assert chosen({grasp: 0.8, push_at(20, 20): 2.0}).kind is PrimitiveKind.GRASP
    push = chosen({grasp: 0.8, push_at(20, 20): 2.2})
    assert (push.kind, push.q_value) == (PrimitiveKind.PUSH, pytest.approx(2.2))


@pytest.mark.parametrize(("failures", "kind"), [(0, 0), (1, 0), (2, 1), (3, 1)])
def test_each_failed_grasp_takes_its_cost_from_every_grasp(failures: int, kind: int) -> None:
    history = attempts([FAR] * failures, OutcomeStatus.EMPTY)
    primitive = chosen({grasp_at(79, 79): 1.0, push_at(20, 20): 1.85}, history)  # the push is worth 0.55
    assert primitive.kind is PrimitiveKind(kind)
    assert primitive.q_value == pytest.approx(1.85 if kind else 1.0), "whatever it costs"
    assert (
        chosen({grasp_at(79, 79): 1.0, push_at(20, 20): 1.85}, history, replace(COSTS, failure_cost=0.0)).kind
        is PrimitiveKind.GRASP
    )


def test_the_best_action_that_is_not_close_to_a_recent_push_is_chosen() -> None:
    stale = attempts([situation().primitive(push_at(80, 80))], OutcomeStatus.PUSHED)
    values = {push_at(80, 80): 2.9, push_at(80, 86): 2.8, push_at(80, 92): 2.7}  # 12 and 24 mm on
    push = chosen(values, stale)
    assert push.position == situation().primitive(push_at(80, 92)).position
    assert push.q_value == pytest.approx(2.7)
    assert chosen(values).q_value == pytest.approx(2.9)


def test_a_push_in_another_direction_is_not_a_repetition() -> None:
    stale = attempts([situation().primitive(push_at(80, 80))], OutcomeStatus.PUSHED)
    push = chosen({push_at(80, 80): 2.9, push_at(80, 80, 1): 2.8, push_at(90, 90): 2.7}, stale)
    assert push.angle == pytest.approx(np.pi / 8)


@pytest.mark.parametrize(
    ("down", "right", "left_out"),
    [(4, 4, True), (-4, -4, True), (5, 0, False), (-5, 0, False), (0, -5, False), (0, 5, False)],
)
def test_actions_within_four_pixels_of_a_repetition_are_left_out_as_well(down: int, right: int, left_out: bool) -> None:
    """They lie just beyond the 15 mm within which pushes are similar, so they would be hardly better."""
    away = 7 if down + right > 0 else -7
    row, column = (80 + away, 80) if down else (80, 80 + away)
    stale = attempts([situation().primitive(push_at(80, 80))], OutcomeStatus.PUSHED)
    values = {push_at(row, column): 2.9, push_at(row + down, column + right): 2.8, push_at(120, 120): 2.7}
    assert chosen(values, stale).q_value == pytest.approx(2.7 if left_out else 2.8)


def test_an_action_at_the_edge_of_a_view_is_left_out_as_any_other() -> None:
    for row, column in ((0, 0), (159, 159), (0, 159)):
        stale = attempts([situation().primitive(push_at(row, column))], OutcomeStatus.PUSHED)
        assert chosen({push_at(row, column): 2.9, push_at(80, 80): 2.7}, stale).q_value == pytest.approx(2.7)


def test_a_grasp_that_failed_is_not_repeated_from_the_other_side_either() -> None:
    failed = attempts([situation().primitive(grasp_at(79, 79, 3))], OutcomeStatus.DROPPED)
    values = {grasp_at(80, 80, 11): 0.9, grasp_at(79, 79, 6): 0.8}
    assert chosen(values, failed).angle == pytest.approx(6 * np.pi / 8)


def test_nothing_left_to_do_is_an_error_that_says_where() -> None:
    stale = attempts([situation().primitive(push_at(80, 80))], OutcomeStatus.PUSHED)
    with pytest.raises(NoPrimitiveError, match=r"something to do around \(0\.498, -?0\.0\), found no feasible action"):
        chosen({push_at(80, 80): 2.9}, stale)
    with pytest.raises(NoPrimitiveError):
        chosen({})


def test_choosing_leaves_the_values_as_they_are() -> None:
    values = values_of({grasp_at(79, 79): 1.0, push_at(80, 80): 2.9})
    before, costs = values.copy(), situation().costs
    choose(values, situation(), attempts([FAR, situation().primitive(push_at(80, 80))], OutcomeStatus.EMPTY))
    np.testing.assert_array_equal(values, before)
    np.testing.assert_array_equal(situation().costs, costs)


def test_an_agent_puts_its_network_into_evaluation_mode() -> None:
    network = make_network(NetworkConfig("compact", 8, 8, (1,))).train()
    assert QAgent(network, GRIPPER, DECODING, COSTS).network is network
    assert not network.training
    assert QAgent(network, GRIPPER, ANYTHING, COSTS).config is ANYTHING
    assert QAgent(network, GRIPPER, ANYTHING, NO_COSTS).costs is NO_COSTS
