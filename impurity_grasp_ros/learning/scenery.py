"""Ground truth of a scene during self-play: which body each cell shows, and where the bodies are."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import CROP_SIZE_PX
from impurity_grasp_ros.datatypes import Heightmap, Primitive
from impurity_grasp_ros.learning.transition import Focus
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, find_clusters
from impurity_grasp_ros.simulation.dispersion import dispersion_degree
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.transform import distance_to_stroke

FOUND_CELLS = 60
"""A body is visible when at least this many cells show it: the attention module would find it."""

HIDDEN_CELLS = 8
"""A body is hidden when at most this many cells show it."""

SWEPT = 0.05
"""A push may have moved a body that is less than this many meters from its stroke."""


@dataclass(frozen=True, eq=False)
class SceneView:
    """A heightmap of the scene with its ground truth.

    Attributes:
        heightmap: Heightmap (R, C) of the scene.
        bodies: (R, C) int32, the body that each cell shows; -1 for none.
        positions: Center (3,) of each body in the workspace, meters in the base frame.
        taken: The body that has come into the drop bin since the previous view, None if there is none. If there are
            several, the first one that was added to the world.
        occlusion: How clusters that may hide a body are found.
    """

    heightmap: Heightmap
    bodies: NDArray[np.int32]
    positions: dict[int, NDArray[np.float64]]
    taken: int | None
    occlusion: OcclusionConfig

    def pick_target(self, rng: np.random.Generator, search_share: float) -> int | None:
        """Draw a visible body, or a hidden one that a cluster may conceal.

        Args:
            rng: Source of randomness.
            search_share: Probability of drawing a hidden body, if there is one.

        Returns:
            The body, or None when there is none to draw.
        """
        visible = [body for body in self.positions if self.is_visible(body)]
        hidden = [body for body in self.positions if self.cells(body) <= HIDDEN_CELLS and self._search(body)]
        pool = hidden if hidden and rng.random() < search_share else visible
        return int(rng.choice(pool)) if pool else None

    def cells(self, body: int) -> int:
        """Number of cells that show a body."""
        return int(np.count_nonzero(self.bodies == body))

    def is_visible(self, body: int) -> bool:
        """Whether the attention module would find a body."""
        return self.cells(body) >= FOUND_CELLS

    def focus(self, body: int) -> Focus | None:
        """What the attention module would pass on if a body were the target.

        Returns:
            A focus on the body if it is visible, otherwise one on the cluster that may hide it. None when there is no
            such cluster, or the body is not in the workspace.
        """
        if body not in self.positions:
            return None
        if not self.is_visible(body):
            return self._search(body)
        rows, columns = np.nonzero(self.bodies == body)
        return self._crop(float(rows.mean()), float(columns.mean()), self.bodies == body)

    def dispersion(self, body: int) -> float:
        """Target-centric dispersion degree of a body; 0 when it is no longer in the workspace."""
        if body not in self.positions:
            return 0.0
        others = np.array([place for other, place in self.positions.items() if other != body]).reshape(-1, 3)
        return dispersion_degree(self.positions[body], others)

    def near_stroke(self, push: Primitive, length: float) -> set[int]:
        """Visible bodies close enough to the stroke of a push to have been moved by it.

        Args:
            push: The push.
            length: Length of its stroke, meters.
        """
        return {
            body
            for body, place in self.positions.items()
            if distance_to_stroke(place[:2], push.position[:2], push.angle, length) < SWEPT and self.is_visible(body)
        }

    def _search(self, body: int) -> Focus | None:
        """A focus on the largest cluster that may hide the body; None if there is none near it."""
        row, column = self.heightmap.grid.to_cell(*self.positions[body][:2])
        for cluster in find_clusters(self.heightmap, self.occlusion):
            middle = self.heightmap.grid.to_cell(*cluster.center)
            if max(abs(middle[0] - row), abs(middle[1] - column)) < CROP_SIZE_PX / 4:
                return self._crop(*middle, None)
        return None

    def _crop(self, row: float, column: float, mask: NDArray[np.bool_] | None) -> Focus:
        corner = round(row - (CROP_SIZE_PX - 1) / 2), round(column - (CROP_SIZE_PX - 1) / 2)
        crop = self.heightmap.window(*corner, CROP_SIZE_PX)
        if mask is None:
            return Focus(crop, np.ones((CROP_SIZE_PX, CROP_SIZE_PX), np.bool_), on_target=False)
        whole = Heightmap(self.heightmap.color, self.heightmap.height, mask, self.heightmap.grid)
        return Focus(crop, whole.window(*corner, CROP_SIZE_PX).valid, on_target=True)


class Scenery:
    """Observes the scene of an environment, and removes bodies that have come into the bin from the world."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._occlusion = packaged_parameters("attention_node", AttentionConfig).occlusion

    def look(self) -> SceneView:
        """The present view of the scene.

        Raises:
            EmptyCloudError: The camera sees too little of the workspace.
        """
        world, grid = self._environment.world, self._environment.cell.workspace.grid
        taken = [body for body in world.bodies if self._environment.is_in_bin(body)]
        for body in taken:
            world.remove_body(body)
        frame, segments = self._environment.camera.capture_with_bodies()
        heightmap = project(frame, grid, self._projection)
        places = {body: world.position(body) for body in world.bodies}
        positions = {body: place for body, place in places.items() if grid.contains(place[0], place[1])}
        bodies = project_labels(frame, segments, grid, self._projection)
        return SceneView(heightmap, bodies, positions, taken[0] if taken else None, self._occlusion)
