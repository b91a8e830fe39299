"""An action is judged by the view along it, in its own role."""

import math

import numpy as np
import pytest
import torch
from drawn_tables import MIDDLE, Block, on_target, table

from impurity_grasp_ros.datatypes import Primitive, PrimitiveKind
from impurity_grasp_ros.policy.judge_network import (
    PATCH_PX,
    PLANES,
    JudgeNetwork,
    JudgeNetworkConfig,
    Proposal,
    judge,
    numbers_of,
    patch,
    role,
)
from impurity_grasp_ros.policy.observation import encode

TARGET = Block()
ATTENTION = on_target(table(TARGET), TARGET.cells)
STATE, GRID = encode(ATTENTION.crop, ATTENTION.mask), ATTENTION.crop.grid
CONFIG = JudgeNetworkConfig((4, 6), 8, 0.5)


def network(seed: int = 0) -> JudgeNetwork:
    torch.manual_seed(seed)
    return JudgeNetwork(CONFIG).eval()


def middle_of(plane: np.ndarray) -> tuple[float, float]:
    """Mean row and column of the pixels that are not 0."""
    rows, columns = np.nonzero(plane)
    return float(rows.mean()), float(columns.mean())


@pytest.mark.parametrize("angle", [0.0, 0.5, 2.0, -2.5])
def test_a_grasp_is_seen_in_the_middle_of_its_patch_and_a_push_in_the_middle_of_its_stroke(angle: float) -> None:
    """The target's center is 50 mm, half of the stroke, ahead of where the push starts."""
    start = MIDDLE[0] - 0.05 * math.cos(angle), MIDDLE[1] - 0.05 * math.sin(angle), 0.01
    for action in (Primitive.grasp((*MIDDLE, 0.01), angle), Primitive.push(start, angle)):
        seen = patch(STATE, GRID, action)
        assert seen.shape == (PLANES, PATCH_PX, PATCH_PX)
        assert middle_of(seen[5]) == pytest.approx(((PATCH_PX - 1) / 2,) * 2, abs=0.8)
    late = patch(STATE, GRID, Primitive.push((*MIDDLE, 0.01), angle))
    assert middle_of(late[5]) == pytest.approx(((PATCH_PX - 1) / 2, (PATCH_PX - 1) / 2 - 25), abs=0.8)


def test_the_columns_of_a_patch_run_along_the_action() -> None:
    across = np.nonzero(patch(STATE, GRID, Primitive.grasp((*MIDDLE, 0.01), math.pi / 2))[5])
    along = np.nonzero(patch(STATE, GRID, Primitive.grasp((*MIDDLE, 0.01), 0.0))[5])
    assert np.ptp(along[1]) > np.ptp(along[0])
    assert np.ptp(across[1]) < np.ptp(across[0])


def test_heights_are_told_above_the_table_and_above_the_tool() -> None:
    """In units of 50 mm; the target is 35 mm high, the tool 10 mm."""
    seen = patch(STATE, GRID, Primitive.grasp((*MIDDLE, 0.01), 0.0))
    assert seen[3, 40, 40] == pytest.approx(0.7)
    assert seen[4, 40, 40] == pytest.approx(0.5)
    assert seen[4, 0, 0] == pytest.approx(-0.2)
    assert seen[5, 40, 40] == 1.0
    assert seen[5, 0, 0] == 0.0


def test_numbers_are_scaled() -> None:
    grasp = Primitive.grasp((*MIDDLE, 0.02), 0.0, 0.8, opening=0.0425)
    np.testing.assert_allclose(numbers_of(Proposal(grasp, 0.004)), [0.4, 0.5, 0.4, 0.8], rtol=1e-6)


def test_grasps_pushes_and_searches_have_roles_of_their_own() -> None:
    assert [role(kind, seen) for kind in (PrimitiveKind.GRASP, PrimitiveKind.PUSH) for seen in (True, False)] == [
        0,
        0,
        1,
        2,
    ]
    inputs = torch.zeros(3, PLANES, PATCH_PX, PATCH_PX), torch.zeros(3, 4)
    success, company = network()(*inputs, torch.tensor([0, 1, 2]))
    assert len(set(success.tolist())) == len(set(company.tolist())) == 3
    again, _ = network()(*inputs, torch.tensor([2, 2, 1]))
    torch.testing.assert_close(again, success[[2, 2, 1]])


def test_judgments_are_probabilities_and_numbers_of_the_actions_in_their_order() -> None:
    grasps = [Proposal(Primitive.grasp((*MIDDLE, 0.01), angle), 0.0) for angle in (0.0, 0.4)]
    push = Proposal(Primitive.push((0.42, 0.0, 0.01), 0.0), 0.0)
    together = judge(network(), STATE, GRID, [*grasps, push], on_target=True)
    alone = judge(network(), STATE, GRID, [push], on_target=True)
    assert ((together.success > 0.0) & (together.success < 1.0)).all()
    assert (together.company > 0.0).all()
    assert together.success[2] == pytest.approx(alone.success[0], abs=1e-6)
    assert together.company[2] == pytest.approx(alone.company[0], rel=1e-5)
    searching = judge(network(), STATE, GRID, [push], on_target=False)
    assert searching.success[0] != pytest.approx(alone.success[0], abs=1e-6)
