"""Jobs without a robot: objects vanish one by one, and the camera looks after each removal."""

from __future__ import annotations

from collections.abc import Container, Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.ortho import with_fine_color
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.scenes import Scene

SETTLE_LIMIT = 1.5
"""Maximum time in seconds for the other objects to come to rest after a removal."""

IN_VIEW_CELLS = 30
"""An object is in view if at least this many of its cells are visible."""


@dataclass(frozen=True, eq=False)
class View:
    """A heightmap and the ground truth about it.

    Attributes:
        step: Number of objects removed before it was taken.
        heightmap: (R, C) cells.
        bodies: (R, C) int32, the object that each cell shows; -1 for table, bin, robot and nothing at all.
        targets: Targets that are left in the workspace, in view or not.
    """

    step: int
    heightmap: Heightmap
    bodies: NDArray[np.int32]
    targets: tuple[int, ...]

    def mask(self, body: int) -> NDArray[np.bool_]:
        """The cells that show an object, (R, C) bool."""
        return self.bodies == body

    @property
    def target_cells(self) -> NDArray[np.bool_]:
        """The cells that show a target, (R, C) bool."""
        return np.isin(self.bodies, self.targets)

    @property
    def in_view(self) -> tuple[int, ...]:
        """The objects that cover at least IN_VIEW_CELLS cells."""
        found, counts = np.unique(self.bodies[self.bodies >= 0], return_counts=True)
        return tuple(int(body) for body, count in zip(found, counts, strict=True) if count >= IN_VIEW_CELLS)


def removal_order(scene: Scene, *, targets_first: bool) -> list[int]:
    """Order the objects of a scene for removal: all targets before all ordinary ones, or after them.

    Args:
        scene: The scene; its seed determines the order of the ordinary objects.
        targets_first: Whether the targets come before the ordinary objects.

    Returns:
        All bodies.
    """
    targets = list(scene.targets)
    ordinary = [body for body in scene.blocks if body not in targets]
    np.random.default_rng(scene.seed).shuffle(ordinary)
    return targets + ordinary if targets_first else ordinary + targets


def take_away(environment: Environment, body: int) -> None:
    """Remove an object and let all others come to rest."""
    environment.world.remove_body(body)
    environment.world.wake()
    environment.world.settle(SETTLE_LIMIT)


def views(
    environment: Environment, order: Sequence[int], projection: ProjectionConfig, steps: Container[int] | None = None
) -> Iterator[View]:
    """Look at the scene as it is, then after each removal.

    Args:
        environment: Holds the scene; the objects vanish from it.
        order: The bodies to remove, the first one first.
        projection: How frames become heightmaps.
        steps: The numbers of removals after which to look; None for all. At 0 nothing has been removed.

    Yields:
        The views.
    """
    for step in range(len(order) + 1):
        if step:
            take_away(environment, order[step - 1])
        if steps is None or step in steps:
            yield _view(environment, step, projection)


def _view(environment: Environment, step: int, projection: ProjectionConfig) -> View:
    frame, shown = environment.camera.capture_with_bodies()
    grid = environment.cell.workspace.grid
    labels = project_labels(frame, shown, grid, projection)
    left = [body for body in environment.world.bodies if body in environment.scene.blocks]
    places = {body: environment.world.position(body) for body in left if environment.scene.blocks[body].target}
    return View(
        step,
        with_fine_color(frame, project(frame, grid, projection)),
        np.where(np.isin(labels, left), labels, -1).astype(np.int32),
        tuple(body for body, (x, y, _) in places.items() if grid.contains(float(x), float(y))),
    )
