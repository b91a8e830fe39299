"""The target-agnostic learned actor: the best action anywhere on the workspace.

It is push-grasping without a target (Zeng et al., 2018), as in the paper's baselines VPG and S-VPG. At half the
resolution, the whole workspace has the size of a crop, so network, views and primitives are those of ``agent.py``.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from torch import nn

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.agent import NEVER, choose, masked_values, situation_of
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.observation import check_resolution, view_of

FACTOR = 2
"""Edge of an overview cell in cells of the heightmap."""


def overview_of(heightmap: Heightmap) -> Heightmap:
    """Downsample a heightmap to half its resolution.

    Args:
        heightmap: The view, (R, C) cells.

    Returns:
        (R / 2, C / 2) cells of the same ground, each with color and height of the highest of its four seen cells.
    """
    grid = heightmap.grid
    coarse = Grid(grid.x_min, grid.y_min, grid.rows // FACTOR, grid.columns // FACTOR, FACTOR * grid.resolution)
    seen = np.where(heightmap.valid, heightmap.height, np.float32(-1.0))
    corners = [seen[row::FACTOR, column::FACTOR] for row in range(FACTOR) for column in range(FACTOR)]
    offset = np.argmax(corners, axis=0)
    rows, columns = np.indices(offset.shape) * FACTOR + np.divmod(offset, FACTOR)
    color, height, valid = heightmap.color, heightmap.height, heightmap.valid
    return Heightmap(color[rows, columns], height[rows, columns], valid[rows, columns], coarse, heightmap.stamp)


class OverviewAgent:
    """``Actor`` protocol on a network that was trained without targets."""

    def __init__(
        self,
        network: nn.Module,
        gripper: GripperModel,
        config: DecodingConfig,
        costs: CostConfig,
        *,
        heeds_target: bool = False,
    ) -> None:
        """Put the network into evaluation mode.

        Args:
            network: The Q-network.
            gripper: The gripper.
            config: Geometry of the primitives that it was trained with.
            costs: Costs of the actions.
            heeds_target: Whether a target in view limits the choice: a grasp must then be centered on its mask, and a
                push must start within its crop.
        """
        self._network = network.eval()
        self._gripper = gripper
        self._config = config
        self._costs = costs
        self._heeds_target = heeds_target

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose the best feasible action, costs included, see ``agent.choose`` and ``protocols.Actor``."""
        check_resolution(heightmap.grid)
        overview = overview_of(heightmap)
        everything = np.ones(overview.height.shape, np.bool_)
        situation = situation_of(overview, everything, True, heightmap.grid, self._gripper, self._config, self._costs)
        values = masked_values(self._network, situation)
        if self._heeds_target and attention.state is AttentionState.TARGET:
            values = _limited(values, attention, overview.grid)
        return choose(values, situation, history)


def _limited(values: NDArray[np.float32], attention: Attention, grid: Grid) -> NDArray[np.float32]:
    """Return a copy of values (2, 16, S, S), minus infinity outside the target's mask (grasps) or crop (pushes)."""
    masks = {PrimitiveKind.GRASP: attention.mask, PrimitiveKind.PUSH: np.ones_like(attention.mask)}
    limited = values.copy()
    for kind, mask in masks.items():
        region = _on_grid(mask, attention.crop.grid, grid).astype(np.uint8)
        for rotation, values_of_rotation in enumerate(limited[kind]):
            values_of_rotation[view_of(rotation).render(region) == 0] = NEVER
    return limited


def _on_grid(mask: NDArray[np.bool_], source: Grid, grid: Grid) -> NDArray[np.bool_]:
    """Resample a mask to a coarser grid; true in the cells that contain any part of it."""
    rows, columns = (index.astype(np.float64) for index in np.nonzero(mask))
    row, column = (np.rint(index).astype(int) for index in grid.to_cell(*source.to_meters(rows, columns)))
    inside = (row >= 0) & (row < grid.rows) & (column >= 0) & (column < grid.columns)
    region = np.zeros((grid.rows, grid.columns), np.bool_)
    region[row[inside], column[inside]] = True
    return region
