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
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.analytic import failed_grasps
from impurity_grasp_ros.policy.decoding import Decoded, DecodingConfig, decode_grasps, decode_open_grasps, decode_pushes
from impurity_grasp_ros.policy.observation import all_views, encode, view_of
from impurity_grasp_ros.policy.push_planner import is_similar

HALF_TURN = ROTATIONS // 2
NEVER = np.float32(-np.inf)
MEMORY = 3
"""Attempts for which a push is not repeated."""


@dataclass(frozen=True)
class Action:
    """An index into the value maps: which primitive, which rotation, which pixel of the view."""

    kind: PrimitiveKind
    rotation: int
    row: int
    column: int


@dataclass(frozen=True, eq=False)
class Situation:
    """Everything about a decision that does not depend on the network.

    state: (112, 112, 8) float32, see ``observation.encode``. options: for each primitive and rotation what every pixel
    of the crop's views stands for.
    """

    crop: Heightmap
    state: NDArray[np.float32]
    options: tuple[tuple[Decoded, ...], ...]

    @property
    def feasible(self) -> NDArray[np.bool_]:
        """(2, 16, 160, 160): which actions make sense, first axis as :class:`PrimitiveKind`."""
        return np.array([[option.feasible for option in options] for options in self.options])

    @property
    def costs(self) -> NDArray[np.float32]:
        """(2, 16, 160, 160): what is taken from the values when actions are compared."""
        return np.array([[option.cost for option in options] for options in self.options])

    def primitive(self, action: Action, q_value: float = 0.0) -> Primitive:
        """The primitive that an action stands for."""
        option, view = self.options[action.kind][action.rotation], view_of(action.rotation)
        return option.primitive(action.kind, view, self.crop.grid, action.row, action.column, q_value)


def situation_of(
    crop: Heightmap,
    mask: NDArray[np.bool_],
    on_target: bool,
    workspace: Grid,
    gripper: GripperModel,
    config: DecodingConfig,
) -> Situation:
    """What can be done on a crop (112, 112) about the masked cells: those of a target, or of a mere candidate."""
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
    return Situation(crop, encode(crop, mask), (tuple(grasps), tuple(pushes)))


def value_maps(network: nn.Module, state: NDArray[np.float32]) -> NDArray[np.float32]:
    """Values (2, 16, 160, 160) of all actions; a grasp's are those of the same grasp turned by 180 degrees, too."""
    device = next(network.parameters()).device
    views = torch.from_numpy(all_views(state)).to(device, memory_format=torch.channels_last)
    with torch.inference_mode():
        maps = network(views).transpose(0, 1).float().cpu().numpy()
    grasps = maps[PrimitiveKind.GRASP]
    maps[PrimitiveKind.GRASP] = (grasps + np.roll(grasps[:, ::-1, ::-1], HALF_TURN, axis=0)) / 2
    return np.ascontiguousarray(maps)


def masked_values(network: nn.Module, situation: Situation) -> NDArray[np.float32]:
    """Values (2, 16, 160, 160); minus infinity where an action makes no sense."""
    return np.where(situation.feasible, value_maps(network, situation.state), NEVER)


def best_action(values: NDArray[np.float32]) -> Action | None:
    """The action with the highest of the values (2, 16, S, S); None when all are minus infinity."""
    kind, rotation, row, column = (int(index) for index in np.unravel_index(int(values.argmax()), values.shape))
    if values[kind, rotation, row, column] == NEVER:
        return None
    return Action(PrimitiveKind(kind), rotation, row, column)


def greedy_value(values: NDArray[np.float32], situation: Situation) -> float:
    """The value of the action that is best with costs included; 0 when there is none."""
    action = best_action(values - situation.costs)
    return 0.0 if action is None else float(values[action.kind, action.rotation, action.row, action.column])


class QAgent:
    """``Actor`` protocol on a Q-network in evaluation mode. Stateless: equal arguments give equal primitives."""

    def __init__(self, network: nn.Module, gripper: GripperModel, config: DecodingConfig) -> None:
        self.network = network.eval()
        self._gripper = gripper
        self.config = config

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """The feasible action of highest value that repeats neither a failed grasp nor a recent push.

        Raises NoPrimitiveError when there is none.
        """
        on_target = attention.state is AttentionState.TARGET
        crop, mask = attention.crop, attention.mask
        situation = situation_of(crop, mask, on_target, heightmap.grid, self._gripper, self.config)
        return choose(masked_values(self.network, situation), situation, history, self.config.failure_cost)


def choose(
    values: NDArray[np.float32], situation: Situation, history: Sequence[Attempt], failure_cost: float
) -> Primitive:
    """The best action, costs included, that repeats neither a failed grasp nor a recent push.

    values: (2, 16, S, S), minus infinity where an action makes no sense. failure_cost: what every grasp that failed
    since the last one that held takes from the values of grasps. Raises NoPrimitiveError when nothing is left.
    """
    failed, left = failed_grasps(history), values - situation.costs
    left[PrimitiveKind.GRASP] -= failure_cost * len(failed)
    stale = failed + recent_pushes(history)
    while (action := best_action(left)) is not None:
        q_value = float(values[action.kind, action.rotation, action.row, action.column])
        primitive = situation.primitive(action, q_value)
        if not any(is_similar(primitive, other) for other in stale):
            return primitive
        _rule_out(left, action)
    grid = situation.crop.grid
    middle = grid.middle
    raise NoPrimitiveError(f"expected something to do around {middle}, found no feasible action")


def recent_pushes(history: Sequence[Attempt]) -> list[Primitive]:
    """The pushes among the latest attempts: what they were good for they have done."""
    latest = history[max(len(history) - MEMORY, 0) :]
    return [item.primitive for item in latest if item.primitive.kind is PrimitiveKind.PUSH]


def _rule_out(values: NDArray[np.float32], action: Action, radius_px: int = 4) -> None:
    """Take an action and those next to it out of the choice."""
    rows = slice(max(action.row - radius_px, 0), action.row + radius_px + 1)
    columns = slice(max(action.column - radius_px, 0), action.column + radius_px + 1)
    values[action.kind, action.rotation, rows, columns] = NEVER


def _half_turned(option: Decoded) -> Decoded:
    """The same grasps in the view turned by 180 degrees."""
    mirror = (slice(None, None, -1),) * 2
    return Decoded(option.feasible[mirror], option.z[mirror], option.opening[mirror], option.cost[mirror])


@cache
def _inside_crop() -> tuple[NDArray[np.bool_], ...]:
    """For every rotation the pixels (160, 160) of a view that show the crop."""
    crop = np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.uint8)
    return tuple(view_of(rotation).render(crop) > 0 for rotation in range(ROTATIONS))
