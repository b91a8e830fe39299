"""The few best actions of the value maps, each unlike the others."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.agent import NEVER, Action, Situation, best_action, rule_out
from impurity_grasp_ros.policy.decoding import DecodingConfig, decode_grasps
from impurity_grasp_ros.policy.judge_network import Proposal
from impurity_grasp_ros.policy.observation import CROP_MIDDLE, VIEW_SIZE_PX
from impurity_grasp_ros.policy.rotation import View

DIFFERENT = 3
"""Pixels along both axes of a view by which two proposals at the same rotation differ at least."""


def propose(values: NDArray[np.float32], situation: Situation, kind: PrimitiveKind, number: int) -> list[Proposal]:
    """Choose the best actions of one kind, costs included.

    Args:
        values: (2, 16, S, S) float32, minus infinity for infeasible actions.
        situation: The actions.
        kind: The kind.
        number: Largest number of actions.

    Returns:
        The actions, best first, none of them close to another at the same angle.
    """
    left = np.full_like(values, NEVER)
    left[kind] = (values - situation.costs)[kind]
    found: list[Proposal] = []
    while len(found) < number and (action := best_action(left)) is not None:
        found.append(_proposal(values, situation, action))
        rule_out(left, action, DIFFERENT)
        if kind is PrimitiveKind.GRASP:  # the same grasp as seen after half a turn
            half, last = values.shape[1] // 2, values.shape[2] - 1
            turned = Action(kind, (action.rotation + half) % values.shape[1], last - action.row, last - action.column)
            rule_out(left, turned, DIFFERENT)
    return found


def _proposal(values: NDArray[np.float32], situation: Situation, action: Action) -> Proposal:
    at = action.rotation, action.row, action.column
    primitive = situation.primitive(action, float(values[action.kind][at]))
    return Proposal(primitive, float(situation.options[action.kind][action.rotation].misfit[action.row, action.column]))


def varied_grasp(
    proposal: Proposal,
    shift: tuple[float, float],
    turn: float,
    situation: Situation,
    mask: NDArray[np.bool_],
    gripper: GripperModel,
    config: DecodingConfig,
) -> Proposal | None:
    """Decode a grasp close to another one, at any angle.

    Args:
        proposal: The other grasp.
        shift: Meters along its closing axis and across it.
        turn: Radians.
        situation: The actions on the crop.
        mask: (112, 112) bool, the target's cells in the crop.
        gripper: The gripper.
        config: Geometry of the primitives.

    Returns:
        The grasp, with the value of the other one; None if it is not feasible.
    """
    (x, y, _), angle = proposal.primitive.position, proposal.primitive.angle
    c, s = math.cos(angle), math.sin(angle)
    grid = situation.crop.grid
    cell = grid.to_cell(x + shift[0] * c - shift[1] * s, y + shift[0] * s + shift[1] * c)
    view = View(CROP_MIDDLE, CROP_MIDDLE, angle + turn, VIEW_SIZE_PX)
    row, column = (round(place) for place in view.to_pixel(*cell))
    if not (0 <= row < VIEW_SIZE_PX and 0 <= column < VIEW_SIZE_PX):
        return None
    height, turned = view.render(situation.crop.height), view.render(mask.astype(np.uint8)) > 0
    option = decode_grasps(height, turned, grid.resolution, gripper, config)
    if not option.feasible[row, column]:
        return None
    primitive = option.primitive(PrimitiveKind.GRASP, view, grid, row, column, proposal.primitive.q_value)
    return Proposal(primitive, float(option.misfit[row, column]))


def proposals_of(values: NDArray[np.float32], situation: Situation, grasps: int, pushes: int) -> list[Proposal]:
    """Choose the best grasps and the best pushes, see :func:`propose`."""
    kinds = ((PrimitiveKind.GRASP, grasps), (PrimitiveKind.PUSH, pushes))
    return [item for kind, number in kinds for item in propose(values, situation, kind, number)]
