"""The target-agnostic actor sees the whole workspace, and uses the attention only if it is told to."""

from dataclasses import replace

import numpy as np
import pytest
from drawn_tables import MIDDLE, Block, attempts, on_heap, on_target, table, visible
from grippers import GRIPPER
from shipped_policy import ANYTHING, NO_COSTS, FixedNetwork

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import Grid, Heightmap, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.motion.safety import check_primitive
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.overview import OverviewAgent, overview_of

FAR = Block(x=0.62, y=0.12)
NEAR = Block(x=0.50, y=0.0)


def agent(grasp: float, push: float, costs: CostConfig = NO_COSTS, *, heeds_target: bool = False) -> OverviewAgent:
    return OverviewAgent(FixedNetwork(grasp, push), GRIPPER, ANYTHING, costs, heeds_target=heeds_target)


def test_a_cell_of_the_overview_shows_the_highest_of_four() -> None:
    height = np.zeros((4, 4), np.float32)
    height[1, 2], height[0, 3] = 0.03, 0.02
    color = np.zeros((4, 4, 3), np.uint8)
    color[1, 2], color[0, 3] = (1, 2, 3), (4, 5, 6)
    valid = np.ones((4, 4), np.bool_)
    valid[2:, :2] = False
    valid[3, 1] = True
    overview = overview_of(Heightmap(color, height, valid, Grid(0.1, 0.2, 4, 4, 0.002), stamp=7.0))
    assert overview.height.tolist() == pytest.approx(np.array([[0.0, 0.03], [0.0, 0.0]]))
    assert overview.color[0, 1].tolist() == [1, 2, 3]
    assert overview.valid.all(), "one seen cell of four is enough"
    assert (overview.grid, overview.stamp) == (Grid(0.1, 0.2, 2, 2, 0.004), 7.0)


def test_both_grids_cover_the_same_ground() -> None:
    heightmap = table(FAR)
    overview = overview_of(heightmap)
    row, column = overview.grid.to_cell(FAR.x, FAR.y)
    assert overview.height.shape == (112, 112)
    assert overview.height[round(row), round(column)] == pytest.approx(FAR.height)
    assert np.count_nonzero(overview.height) == pytest.approx(np.count_nonzero(heightmap.height) / 4, rel=0.2)


def test_by_default_the_value_alone_decides_what_is_grasped() -> None:
    heightmap = table(FAR, NEAR)
    attention = on_target(heightmap, visible(FAR, heightmap))
    grasp = agent(1.0, 0.5).select(heightmap, attention, [])  # the values are highest in the middle
    assert np.hypot(grasp.position[0] - NEAR.x, grasp.position[1] - NEAR.y) < 0.03
    assert grasp.opening == pytest.approx(0.085)
    check_primitive(grasp, load_cell())
    by_default = OverviewAgent(FixedNetwork(1.0, 0.5), GRIPPER, ANYTHING, NO_COSTS)
    assert by_default.select(heightmap, attention, []) == grasp


def test_pushes_and_failed_grasps_cost_what_its_costs_say() -> None:
    heightmap = table(NEAR)
    attention = on_target(heightmap, visible(NEAR, heightmap))
    failed = attempts([Primitive.grasp((0.3, 0.2, 0.01), 0.0)], OutcomeStatus.EMPTY)
    costly = replace(NO_COSTS, push_cost=0.5)
    assert agent(1.0, 1.3).select(heightmap, attention, []).kind is PrimitiveKind.PUSH
    assert agent(1.0, 1.3, costly).select(heightmap, attention, failed).kind is PrimitiveKind.GRASP
    costly = replace(costly, failure_cost=0.5)
    assert agent(1.0, 1.3, costly).select(heightmap, attention, failed).kind is PrimitiveKind.PUSH


def test_a_mask_that_is_heeded_limits_the_grasp_to_the_target() -> None:
    heightmap = table(FAR, NEAR)
    attention = on_target(heightmap, visible(FAR, heightmap))
    grasp = agent(1.0, 0.5, heeds_target=True).select(heightmap, attention, [])
    assert grasp.kind is PrimitiveKind.GRASP
    assert np.hypot(grasp.position[0] - FAR.x, grasp.position[1] - FAR.y) < 0.03


def test_around_a_candidate_anything_may_be_grasped() -> None:
    heightmap = table(NEAR)
    candidate = on_heap(heightmap, MIDDLE)
    assert agent(1.0, 0.5, heeds_target=True).select(heightmap, candidate, []).kind is PrimitiveKind.GRASP
    assert agent(0.5, 1.0, heeds_target=True).select(heightmap, candidate, []).kind is PrimitiveKind.PUSH


def test_two_fingers_need_room_beside_a_block() -> None:
    wall = [NEAR.beside(0.0, side * 0.036) for side in (-1, 1)] + [NEAR.beside(side * 0.052, 0.0) for side in (-1, 1)]
    heightmap = table(NEAR, *wall)
    attention = on_target(heightmap, visible(NEAR, heightmap))
    blocked = agent(1.0, 0.5, heeds_target=True).select(heightmap, attention, [])
    assert blocked.kind is PrimitiveKind.PUSH


def test_an_empty_table_offers_nothing_to_do() -> None:
    heightmap = table()
    with pytest.raises(NoPrimitiveError):
        agent(1.0, 0.5).select(heightmap, on_heap(heightmap, MIDDLE), [])
