"""From a pixel of a view to a push: at which height it is executed, and whether it is feasible."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import PUSH_LENGTH
from impurity_grasp_ros.datatypes import Grid
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.clearance import highest_ahead, highest_within
from impurity_grasp_ros.policy.decoding import OCCUPIED, Decoded, DecodingConfig
from impurity_grasp_ros.policy.rotation import View


def decode_pushes(
    height: NDArray[np.float32],
    view: View,
    grid: Grid,
    workspace: Grid,
    inside: NDArray[np.bool_],
    gripper: GripperModel,
    config: DecodingConfig,
) -> Decoded:
    """Decode pushes along the columns of a view.

    Args:
        height: (S, S) float32, meters above the table, as seen in the view.
        view: The view.
        grid: Cells of the image that the view shows.
        workspace: Cells of the workspace, on which both ends of a push have to stay.
        inside: (S, S) bool, the pixels at which a push may start.
        gripper: The gripper.
        config: Geometry of the primitives.

    Returns:
        The pushes; feasible where they meet something. Their opening and misfit are 0.
    """
    under = highest_within(height, gripper.tip_width, gripper.fingers_width, grid.resolution)
    z = np.where(under > OCCUPIED, under + config.surface_clearance, np.float32(config.push_height))
    meets = highest_ahead(height, PUSH_LENGTH, gripper.fingers_width, grid.resolution) > z + OCCUPIED
    feasible = inside & meets & _stays(view, grid, workspace, config)
    return Decoded(feasible, z.astype(np.float32), np.zeros_like(height), np.zeros(height.shape))


def _stays(view: View, grid: Grid, workspace: Grid, config: DecodingConfig) -> NDArray[np.bool_]:
    """Return whether a stroke from each pixel of a view keeps its distances from the border of the workspace."""
    rows, columns = np.meshgrid(np.arange(float(view.size)), np.arange(float(view.size)), indexing="ij")
    stays = np.ones((view.size, view.size), np.bool_)
    for ahead, border in ((0.0, config.start_border), (PUSH_LENGTH / grid.resolution, config.end_border)):
        x, y = grid.to_meters(*view.to_cell(rows, columns + ahead))
        for place, first, cells in ((x, workspace.x_min, workspace.columns), (y, workspace.y_min, workspace.rows)):
            last = first + cells * workspace.resolution
            stays &= (place >= first + border) & (place <= last - border)
    return stays
