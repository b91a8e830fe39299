"""Views of simulated scenes, labeled with the objects that cannot be seen in them.

Between the views of a scene, objects are removed or given a shove, as in a job, so that piles of all ages are shown.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.attention_labels import turned
from impurity_grasp_ros.learning.attention_views import FIRST_SEED
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.hidden_network import CELLS
from impurity_grasp_ros.simulation.environment import Environment

SCENES = ("random", "challenging", "invisible", "novel", "few", "large", "border", "stacks", "training")
"""Scenes that are learned from."""

DENSE = ("random", "novel")
MOST_BLOCKS = 24
"""Scenes whose number of ordinary blocks is drawn, and the greatest number."""

VISIBLE_CELLS = 30
"""An object is hidden if fewer of its cells are seen."""

REMOVED, TARGET_FIRST = 0.4, 0.5
"""Fraction of the steps that remove an object, and of these that remove a target if there is one."""

MOST_SHOVED = 3
SHOVE = (0.2, 0.7)
"""Objects that are shoved at once, and their speeds in m/s."""

SETTLE_LIMIT = 1.5
"""Maximum time in seconds for the objects to come to rest."""


@dataclass(frozen=True, eq=False)
class HiddenView:
    """A view with the objects that it does not show.

    Attributes:
        height: (R, C) float16, meters above the table; 0 where nothing was seen.
        seen: (R, C) bool.
        hidden: (R / 4, C / 4) uint8, number of hidden objects whose center lies in each square of 4 x 4 cells.
    """

    height: NDArray[np.float16]
    seen: NDArray[np.bool_]
    hidden: NDArray[np.uint8]


class HiddenViewSource:
    """Makes views in a simulated cell of its own."""

    def __init__(self) -> None:
        self._environment = Environment()
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")

    def views(self, count: int, rng: np.random.Generator) -> list[HiddenView]:
        """Make up to ``count`` views of a new scene, fewer if only one object is left."""
        self._reset(rng)
        found = [self._view()]
        while len(found) < count and len(bodies := self._bodies()) > 1:
            self._change(bodies, rng)
            found.append(self._view())
        return found

    def _reset(self, rng: np.random.Generator) -> None:
        while True:
            name = str(rng.choice(SCENES))
            blocks = int(rng.integers(3, MOST_BLOCKS + 1)) if name in DENSE else None
            try:
                self._environment.reset(FIRST_SEED + int(rng.integers(2**31 - FIRST_SEED)), name, blocks=blocks)
            except SceneNotSettledError:
                continue  # another seed
            return

    def _bodies(self) -> list[int]:
        return [body for body in self._environment.world.bodies if body in self._environment.scene.blocks]

    def _change(self, bodies: list[int], rng: np.random.Generator) -> None:
        """Remove an object, or shove some of them; then let all come to rest."""
        world, blocks = self._environment.world, self._environment.scene.blocks
        if rng.random() < REMOVED:
            targets = [body for body in bodies if blocks[body].target]
            world.remove_body(int(rng.choice(targets if targets and rng.random() < TARGET_FIRST else bodies)))
        else:
            count = min(len(bodies), int(rng.integers(1, MOST_SHOVED + 1)))
            for body in rng.choice(bodies, count, replace=False):
                angle, speed = rng.uniform(0.0, math.tau), rng.uniform(*SHOVE)
                velocity = [speed * math.cos(angle), speed * math.sin(angle), 0.0]
                world.bullet.resetBaseVelocity(int(body), velocity, [0.0, 0.0, 0.0])
        world.wake()
        world.settle(SETTLE_LIMIT)

    def _view(self) -> HiddenView:
        environment = self._environment
        rendering = environment.camera.render()
        frame, grid = environment.camera.develop(rendering), environment.cell.workspace.grid
        heightmap = project(frame, grid, self._projection)
        labels = project_labels(frame, rendering.bodies, grid, self._projection)
        hidden = np.zeros((grid.rows // CELLS, grid.columns // CELLS), np.uint8)
        for body in self._bodies():
            row, column = (int(place) for place in grid.to_cell(*map(float, environment.world.position(body)[:2])))
            inside = 0 <= row < grid.rows and 0 <= column < grid.columns
            if inside and (labels == body).sum() < VISIBLE_CELLS:
                hidden[row // CELLS, column // CELLS] += 1
        height = np.where(heightmap.valid, heightmap.height, 0.0).astype(np.float16)
        return HiddenView(height, heightmap.valid, hidden)


def augmented(view: HiddenView, rng: np.random.Generator, noise: float) -> HiddenView:
    """Turn a view by a multiple of a right angle, mirror it half of the time, and add noise to the heights.

    Args:
        view: The view, square.
        rng: Source of all random choices.
        noise: Maximum standard deviation in meters.
    """
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    shaken = view.height + rng.normal(0.0, rng.uniform(0.0, noise), view.height.shape) * view.seen
    return HiddenView(
        turned(shaken.astype(np.float16), turns, mirror),
        turned(view.seen, turns, mirror),
        turned(view.hidden, turns, mirror),
    )
