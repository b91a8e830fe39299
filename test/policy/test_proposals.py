"""Proposals are the best actions, none like another; a grasp can be varied to any angle and place."""

import math

import numpy as np
import pytest
from drawn_tables import Block, Mask, on_target, table
from grippers import GRIPPER
from shipped_policy import COSTS, DECODING, FixedNetwork

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.policy.agent import NEVER, Situation, masked_values, situation_of
from impurity_grasp_ros.policy.judge_network import Proposal
from impurity_grasp_ros.policy.proposals import proposals_of, propose, varied_grasp

TARGET = Block(length=0.05, width=0.034, angle=0.3)


def seen(*blocks: Block) -> tuple[Situation, np.ndarray, Mask]:
    """The situation with the first block as the target, equal values, and the target's mask."""
    heightmap = table(*blocks)
    attention = on_target(heightmap, blocks[0].cells)
    situation = situation_of(attention.crop, attention.mask, True, heightmap.grid, GRIPPER, DECODING, COSTS)
    return situation, masked_values(FixedNetwork(1.0, 0.5), situation), attention.mask


@pytest.mark.parametrize("kind", [PrimitiveKind.GRASP, PrimitiveKind.PUSH])
def test_proposals_are_the_best_actions_each_unlike_the_others(kind: PrimitiveKind) -> None:
    situation, values, _ = seen(TARGET)
    found = propose(values, situation, kind, 10)
    assert len(found) == 10
    assert all(item.primitive.kind is kind for item in found)
    after_costs = [item.primitive.q_value - COSTS.misfit_cost * item.misfit for item in found]
    assert after_costs == sorted(after_costs, reverse=True)
    assert after_costs[0] == pytest.approx(
        float((values - situation.costs)[kind].max()) + COSTS.push_cost * kind, abs=1e-6
    )
    period = math.pi if kind is PrimitiveKind.GRASP else 2 * math.pi
    for index, first in enumerate(found):
        for second in found[index + 1 :]:
            near = math.dist(first.primitive.position[:2], second.primitive.position[:2]) < 0.0075
            turn = abs((first.primitive.angle - second.primitive.angle + period / 2) % period - period / 2)
            assert not (near and turn < 0.1), "3 pixels of 2 mm along one of the axes"


def test_without_feasible_actions_there_are_no_proposals() -> None:
    situation, values, _ = seen(TARGET)
    nothing = np.full_like(values, NEVER)
    assert propose(nothing, situation, PrimitiveKind.GRASP, 5) == []
    nothing[1] = values[1]
    assert {item.primitive.kind for item in proposals_of(nothing, situation, 4, 3)} == {PrimitiveKind.PUSH}
    both = proposals_of(values, situation, 4, 3)
    assert [item.primitive.kind for item in both] == [PrimitiveKind.GRASP] * 4 + [PrimitiveKind.PUSH] * 3


def test_a_grasp_that_is_not_varied_stays_the_same() -> None:
    situation, values, mask = seen(TARGET)
    for grasp in propose(values, situation, PrimitiveKind.GRASP, 5):
        same = varied_grasp(grasp, (0.0, 0.0), 0.0, situation, mask, GRIPPER, DECODING)
        assert same is not None
        np.testing.assert_allclose(same.primitive.position, grasp.primitive.position, atol=1e-9)
        assert same.primitive.opening == pytest.approx(grasp.primitive.opening)
        assert same.misfit == pytest.approx(grasp.misfit)


def test_a_varied_grasp_is_shifted_and_turned_and_fits_anew() -> None:
    """The target lies at 0.3 rad: turned from 0.39 to 0.79 rad, the fingers have to open wider."""
    situation, values, mask = seen(TARGET)
    grasps = propose(values, situation, PrimitiveKind.GRASP, 12)
    grasp = next(item for item in grasps if abs(item.primitive.angle % math.pi - math.pi / 8) < 1e-6)
    turned = varied_grasp(grasp, (0.0, 0.0), 0.4, situation, mask, GRIPPER, DECODING)
    assert turned is not None
    assert turned.primitive.angle == pytest.approx(grasp.primitive.angle + 0.4)
    assert turned.misfit > grasp.misfit
    assert turned.primitive.opening > grasp.primitive.opening
    shifted = varied_grasp(grasp, (0.002, 0.004), 0.0, situation, mask, GRIPPER, DECODING)
    assert shifted is not None
    c, s = math.cos(grasp.primitive.angle), math.sin(grasp.primitive.angle)
    step = np.subtract(shifted.primitive.position[:2], grasp.primitive.position[:2])
    np.testing.assert_allclose(step, [0.002 * c - 0.004 * s, 0.002 * s + 0.004 * c], atol=1.5e-3)


def test_a_varied_grasp_that_is_not_feasible_is_none() -> None:
    situation, values, mask = seen(TARGET)
    grasp = propose(values, situation, PrimitiveKind.GRASP, 1)[0]
    for shift in ((0.0, 0.06), (0.3, 0.0)):
        assert varied_grasp(Proposal(*grasp), shift, 0.0, situation, mask, GRIPPER, DECODING) is None
