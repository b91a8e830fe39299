"""Ground truth about a scene: which targets are left, where they are, and which cells of the heightmap show them."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Attention, AttentionState, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.simulation.environment import Environment

VISIBLE_CELLS = 20
"""Number of visible cells of a body from which on its outline can be planned on."""


@dataclass(frozen=True, eq=False)
class Truth:
    """A heightmap and the ground truth about it.

    Attributes:
        heightmap: (R, C) cells.
        bodies: (R, C) int32, the body that each cell shows; -1 for none.
        places: Centers (3,) of the targets in the workspace, by body; meters in ``base_link``.
    """

    heightmap: Heightmap
    bodies: NDArray[np.int32]
    places: dict[int, NDArray[np.float64]]

    def mask(self, body: int) -> NDArray[np.bool_]:
        """The cells that show a body, (R, C) bool."""
        return self.bodies == body

    def is_visible(self, body: int) -> bool:
        """Whether enough of a body is visible to plan a grasp on."""
        return bool(np.count_nonzero(self.mask(body)) >= VISIBLE_CELLS)

    def attention(self, body: int | None) -> Attention:
        """Make the attention that perception would give if it knew the truth.

        Args:
            body: A target, visible or hidden; None for none left.

        Returns:
            TARGET on the cells of a visible target, CANDIDATE at the place of a hidden one, CLEAR for None. It has no
            clusters; its saliency map is 1 in the cells of targets and 0 elsewhere.
        """
        saliency = np.isin(self.bodies, list(self.places)).astype(np.float32)
        grid = self.heightmap.grid
        if body is None:
            state, mask = AttentionState.CLEAR, np.zeros(self.bodies.shape, np.bool_)
            center = grid.middle
        else:
            seen, mask = self.is_visible(body), self.mask(body)
            state = AttentionState.TARGET if seen else AttentionState.CANDIDATE
            center = _middle(mask, grid) if seen else (float(self.places[body][0]), float(self.places[body][1]))
        corner = [round(place - (CROP_SIZE_PX - 1) / 2) for place in grid.to_cell(*center)]
        crop = self.heightmap.window(corner[0], corner[1], CROP_SIZE_PX)
        whole = replace(self.heightmap, valid=mask).window(corner[0], corner[1], CROP_SIZE_PX)
        cells = np.ones_like(whole.valid) if state is AttentionState.CANDIDATE else whole.valid
        return Attention(state, center, crop, cells, float(state is AttentionState.TARGET), (), saliency)


def see(environment: Environment, frame: RgbdFrame, projection: ProjectionConfig) -> Truth:
    """Find the ground truth about a frame.

    Args:
        environment: Holds the scene.
        frame: Shows the scene as it is now.
        projection: How frames become heightmaps.

    Returns:
        The truth.

    Raises:
        InvalidFrameError: The frame cannot be projected.
        EmptyCloudError: The frame shows nothing of the workspace.
    """
    grid = environment.cell.workspace.grid
    _, segments = environment.rehearse(environment.camera.capture_with_bodies)  # draws no noise here
    return Truth(
        project(frame, grid, projection), project_labels(frame, segments, grid, projection), places(environment)
    )


def places(environment: Environment) -> dict[int, NDArray[np.float64]]:
    """Centers (3,) of the targets in the workspace, neither in the bin nor lost, by body; meters in ``base_link``."""
    centers = {body: environment.world.position(body) for body in environment.scene.targets}
    grid = environment.cell.workspace.grid
    return {body: place for body, place in centers.items() if grid.contains(float(place[0]), float(place[1]))}


def _middle(mask: NDArray[np.bool_], grid: Grid) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    return grid.to_meters(float(rows.mean()), float(columns.mean()))
