"""The learned actor: the action with the highest value among 32 pixel-wise maps (paper, section 5.2.1)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from impurity_grasp_ros.constants import CROP_SIZE_PX, ROTATIONS
from impurity_grasp_ros.datatypes import (
    VALUED_KINDS,
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import Decoded, DecodingConfig, decode_grasps, decode_open_grasps
from impurity_grasp_ros.policy.history import failed_grasps, is_similar, recent_pushes
from impurity_grasp_ros.policy.observation import all_views, check_resolution, encode, view_of
from impurity_grasp_ros.policy.push_decoding import decode_pushes

HALF_TURN = ROTATIONS // 2
"""Number of rotations that make half a turn."""

NEVER = np.float32(-np.inf)
"""Value of an action that must not be chosen."""


@dataclass(frozen=True)
class Action:
    """An index into the value maps: kind of primitive, view (0 to 15, in steps of 22.5 degrees), and pixel of it."""

    kind: PrimitiveKind
    rotation: int
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Situation:
    """Everything about a decision that does not depend on the network.

    Attributes:
        crop: The crop (112, 112).
        state: (112, 112, 8) float32, see ``observation.encode``.
        options: The primitives of the pixels (160, 160) of the crop's views, by kind and rotation.
        cost_config: Costs of the actions.
    """

    crop: Heightmap
    state: NDArray[np.float32]
    options: tuple[tuple[Decoded, ...], ...]
    cost_config: CostConfig

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """(2, 16, 160, 160) bool: the feasible actions, first axis as :class:`PrimitiveKind`."""
        return np.array([[option.feasible for option in options] for options in self.options])

    @property
    def costs(self) -> NDArray[np.float32]:
        """(2, 16, 160, 160) float32: what is subtracted from the values when actions are compared.

        The costs of failed grasps depend on the history; :func:`choose` adds them.
        """
        misfit = np.array([option.misfit for option in self.options[PrimitiveKind.GRASP]])
        costs = np.full((len(VALUED_KINDS), *misfit.shape), self.cost_config.push_cost, np.float32)
        costs[PrimitiveKind.GRASP] = self.cost_config.misfit_cost * misfit
        return costs

    def primitive(self, action: Action, q_value: float = 0.0) -> Primitive:
        """Decode an action on this crop, with its value, into a primitive in the base frame."""
        option, view = self.options[action.kind][action.rotation], view_of(action.rotation)
        return option.primitive(action.kind, view, self.crop.grid, action.row, action.column, q_value)


def situation_of(
    crop: Heightmap,
    mask: NDArray[np.bool_],
    on_target: bool,
    workspace: Grid,
    gripper: GripperModel,
    config: DecodingConfig,
    costs: CostConfig,
) -> Situation:
    """Decode all actions on a crop.

    Args:
        crop: The crop (112, 112) around a target, or around a candidate: a heap that may hide one.
        mask: (112, 112) bool, cells of the target or the candidate.
        on_target: Whether the mask is that of a target, which alone can be grasped.
        workspace: Cells of the workspace, in which pushes have to stay.
        gripper: The gripper.
        config: Geometry of the primitives.
        costs: Costs of the actions.

    Returns:
        The crop with its actions.
    """
    views = [view_of(rotation) for rotation in range(ROTATIONS)]
    heights = [view.render(crop.height) for view in views]
    if config.graspable == "anything":
        grasps = [decode_open_grasps(height, crop.grid.resolution, gripper, config) for height in heights[:HALF_TURN]]
    else:
        target = (mask & on_target).astype(np.uint8)
        grasps = [
            decode_grasps(height, view.render(target) > 0, crop.grid.resolution, gripper, config)
            for view, height in zip(views[:HALF_TURN], heights, strict=False)
        ]
    grasps += [_half_turned(option) for option in grasps]
    pushes = [
        decode_pushes(height, view, crop.grid, workspace, inside, gripper, config)
        for view, height, inside in zip(views, heights, _inside_crop(), strict=True)
    ]
    return Situation(crop, encode(crop, mask), (tuple(grasps), tuple(pushes)), costs)


def value_maps(network: nn.Module, state: NDArray[np.float32]) -> NDArray[np.float32]:
    """Compute the values of all actions.

    A grasp turned by 180 degrees is the same grasp, so its value is the mean of both.

    Args:
        network: The Q-network, in evaluation mode.
        state: (112, 112, 8) float32, see ``observation.encode``.

    Returns:
        (2, 16, 160, 160) float32.
    """
    device = next(network.parameters()).device
    views = torch.from_numpy(all_views(state)).to(device, memory_format=torch.channels_last)
    with torch.inference_mode():
        maps = network(views).transpose(0, 1).float().cpu().numpy()
    grasps = maps[PrimitiveKind.GRASP]
    maps[PrimitiveKind.GRASP] = (grasps + np.roll(grasps[:, ::-1, ::-1], HALF_TURN, axis=0)) / 2
    return np.ascontiguousarray(maps)


def masked_values(network: nn.Module, situation: Situation) -> NDArray[np.float32]:
    """Compute the values of all feasible actions.

    Args:
        network: The Q-network, in evaluation mode.
        situation: The actions.

    Returns:
        (2, 16, 160, 160) float32, see :func:`value_maps`; minus infinity for infeasible actions.
    """
    return np.where(situation.feasible, value_maps(network, situation.state), NEVER)


def best_action(values: NDArray[np.float32]) -> Action | None:
    """Return the action with the highest value of (2, 16, S, S), None when all are minus infinity."""
    kind, rotation, row, column = (int(index) for index in np.unravel_index(int(values.argmax()), values.shape))
    if values[kind, rotation, row, column] == NEVER:
        return None
    return Action(PrimitiveKind(kind), rotation, row, column)


def greedy_value(values: NDArray[np.float32], situation: Situation) -> float:
    """Return the value, before costs, of the action that is best after costs; 0 when no action is feasible.

    Args:
        values: (2, 16, S, S) float32, minus infinity for infeasible actions.
        situation: The actions and their costs.
    """
    action = best_action(values - situation.costs)
    return 0.0 if action is None else float(values[action.kind, action.rotation, action.row, action.column])


class QAgent:
    """``Actor`` protocol on a Q-network in evaluation mode. Stateless: equal arguments give equal primitives.

    Attributes:
        network: The Q-network.
        gripper: The gripper.
        config: Geometry of the primitives that it was trained with.
        costs: Costs of the actions.
    """

    def __init__(self, network: nn.Module, gripper: GripperModel, config: DecodingConfig, costs: CostConfig) -> None:
        self.network = network.eval()
        self.gripper = gripper
        self.config = config
        self.costs = costs

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose the best feasible action, costs included, see :func:`choose` and ``protocols.Actor``."""
        check_resolution(heightmap.grid)
        on_target = attention.state is AttentionState.TARGET
        situation = situation_of(
            attention.crop, attention.mask, on_target, heightmap.grid, self.gripper, self.config, self.costs
        )
        return choose(masked_values(self.network, situation), situation, history)


def choose(values: NDArray[np.float32], situation: Situation, history: Sequence[Attempt]) -> Primitive:
    """Choose the best action, costs included, that repeats neither a failed grasp nor a recent push.

    Args:
        values: (2, 16, S, S) float32, minus infinity for infeasible actions.
        situation: The actions and their costs.
        history: Attempts of this job, oldest first.

    Returns:
        The primitive, with its value before costs.

    Raises:
        NoPrimitiveError: No action is left.
    """
    failed, left = failed_grasps(history), values - situation.costs
    left[PrimitiveKind.GRASP] -= situation.cost_config.failure_cost * len(failed)
    stale = failed + recent_pushes(history)
    while (action := best_action(left)) is not None:
        q_value = float(values[action.kind, action.rotation, action.row, action.column])
        primitive = situation.primitive(action, q_value)
        if not any(is_similar(primitive, other) for other in stale):
            return primitive
        rule_out(left, action)
    grid = situation.crop.grid
    middle = grid.middle
    raise NoPrimitiveError(f"expected something to do around {middle}, found no feasible action")


def rule_out(values: NDArray[np.float32], action: Action, radius_px: int = 4) -> None:
    """Exclude an action and its neighbors in (2, 16, S, S) values from the choice, by minus infinity."""
    rows = slice(max(action.row - radius_px, 0), action.row + radius_px + 1)
    columns = slice(max(action.column - radius_px, 0), action.column + radius_px + 1)
    values[action.kind, action.rotation, rows, columns] = NEVER


def _half_turned(option: Decoded) -> Decoded:
    """Return the same grasps as seen in the view that is turned by 180 degrees."""
    mirror = (slice(None, None, -1),) * 2
    return Decoded(option.feasible[mirror], option.z[mirror], option.opening[mirror], option.misfit[mirror])


@cache
def _inside_crop() -> tuple[NDArray[np.bool_], ...]:
    """Return, for every rotation, which pixels (160, 160) of the view show the crop."""
    crop = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)
    return tuple(view_of(rotation).render(crop) > 0 for rotation in range(ROTATIONS))
