"""Labeled views for training the attention: simulated scenes whose objects get new materials again and again.

Dropping the objects takes most of the time, so a scene is used several times. Each time the kinds get other materials,
and the pieces other coats; two views of one drawing form a pair, so that one can stand for what is remembered.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.attention_labels import LabeledView, Roles, labeled
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.ortho import FINE_FACTOR, fine_color
from impurity_grasp_ros.simulation.camera import Rendering
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.materials import Material
from impurity_grasp_ros.simulation.scene_config import load_scene
from impurity_grasp_ros.simulation.sensor_noise import SensorNoise
from impurity_grasp_ros.simulation.training_goods import (
    another_material,
    are_alike,
    color,
    draw_targets,
    first_material,
    least_pieces,
)

MIXED_SCENES = ("random", "challenging", "invisible", "novel")
"""Scenes whose objects have many shapes, so that shape says nothing there."""

FIRST_SEED = 1_000_000
"""Lowest seed of scenes for training; all measurements use lower ones."""

MARGIN_PX = 32
"""Pixels around the objects that are kept of a rendering."""

MIXED, NOISY = 0.3, 0.8
"""Fractions of the scenes with many shapes, and of the views with noise."""

Pair = tuple[LabeledView, LabeledView]
"""Two views that show the same bodies, of kinds that look the same in both."""


class ViewSource:
    """Makes pairs of labeled views. Equal generators give equal views."""

    def __init__(self) -> None:
        self._environment = Environment()
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._noise = load_scene("training_noisy")[0].camera

    def pairs(self, scenes: int, pairs_per_scene: int, rng: np.random.Generator) -> list[Pair]:
        """Make pairs of views of so many scenes."""
        found: list[Pair] = []
        for _ in range(scenes):
            mixed = self._reset(rng)
            rendering = self._rendered()
            for _ in range(pairs_per_scene):
                roles = self._roles(mixed, rng)
                materials = self._materials(roles, rng)
                first, second = (self._view(rendering, roles, materials, rng) for _ in range(2))
                found.append((first, second))
        return found

    def _reset(self, rng: np.random.Generator) -> bool:
        """Make a scene; returns whether shapes say nothing in it."""
        while True:
            mixed = rng.random() < MIXED
            name = str(rng.choice(MIXED_SCENES)) if mixed else "training"
            few = {"targets": 1, "blocks": int(rng.integers(3, 17))} if name in ("random", "novel") else {}
            try:
                self._environment.reset(FIRST_SEED + int(rng.integers(2**31 - FIRST_SEED)), name, **few)
            except SceneNotSettledError:
                continue  # another seed
            return mixed

    def _rendered(self) -> Rendering:
        """Render the scene with white objects, without most of the table around them."""
        world = self._environment.world
        world.coats.clear()
        for body in self._environment.scene.blocks:
            world.bullet.changeVisualShape(body, -1, rgbaColor=[1.0, 1.0, 1.0, 1.0])
        rendering = self._environment.camera.render()
        shown = np.isin(rendering.bodies, list(self._environment.scene.blocks))
        rows, columns = (np.flatnonzero(shown.any(axis)) for axis in (1, 0))
        return rendering.cropped(_with_margin(rows, shown.shape[0]), _with_margin(columns, shown.shape[1]))

    def _roles(self, mixed: bool, rng: np.random.Generator) -> Roles:
        """The kinds of the scene, or kinds that are drawn if shapes say nothing."""
        blocks = self._environment.scene.blocks
        if not mixed:
            names = sorted({block.kind for block in blocks.values()})
            odd = frozenset(names.index(block.kind) for block in blocks.values() if block.target)
            return Roles({body: names.index(block.kind) for body, block in blocks.items()}, odd)
        bodies = rng.permutation(list(blocks))
        odd_count = draw_targets(len(bodies), rng)
        ordinary_kinds = 1 if rng.random() < 0.65 else int(rng.integers(2, 4))
        while ordinary_kinds > 1 and (len(bodies) - odd_count) // ordinary_kinds < least_pieces(odd_count):
            ordinary_kinds -= 1
        kinds = [ordinary_kinds] * odd_count + [index % ordinary_kinds for index in range(len(bodies) - odd_count)]
        return Roles(dict(zip(map(int, bodies), kinds, strict=True)), frozenset({ordinary_kinds}))

    def _materials(self, roles: Roles, rng: np.random.Generator) -> list[Material]:
        """A material for each kind; two kinds share one only if their shapes differ."""
        count = max(roles.kinds.values()) + 1
        forms = [self._form(roles, kind) for kind in range(count)]
        found = [first_material(rng)]
        for kind in range(1, count):
            other = int(rng.integers(kind))
            alone = all(_is_distinct(forms[kind], form) for form in forms[:kind])
            found.append(found[other] if alone and rng.random() < 0.6 else another_material(found[other], rng))
        return found

    def _form(self, roles: Roles, kind: int) -> tuple[frozenset[str], float]:
        """Sorts of shapes of a kind, and the mean of their volumes in m3."""
        blocks = self._environment.scene.blocks
        members = [blocks[body].shape for body, own in roles.kinds.items() if own == kind]
        volumes = [shape.volume for shape in members]
        return frozenset(shape.kind for shape in members), float(np.mean(volumes)) if volumes else 0.0

    def _view(
        self, rendering: Rendering, roles: Roles, materials: list[Material], rng: np.random.Generator
    ) -> LabeledView:
        """Give every body a new coat, the table a new color and the camera new noise, and take a picture."""
        environment = self._environment
        for body, block in environment.scene.blocks.items():
            half_size = np.abs(block.shape.corners).max(axis=0).tolist()
            environment.world.coats[body] = materials[roles.kinds[body]].coat(half_size, rng)
        environment.camera.noise = SensorNoise(self._noise.scaled(rng.random()), rng) if rng.random() < NOISY else None
        rest = ~np.isin(rendering.bodies, list(roles.kinds))
        tinted = rendering.color.copy()
        tinted[rest] = (tinted[rest] * np.array(color(rng), np.float32)).astype(np.uint8)
        frame = environment.camera.develop(rendering._replace(color=tinted))
        grid = environment.cell.workspace.grid
        heightmap = project(frame, grid, self._projection)
        bodies = project_labels(frame, rendering.bodies, grid, self._projection)
        return labeled(heightmap.height, heightmap.valid, fine_color(frame, heightmap, FINE_FACTOR), bodies, roles, rng)


def _with_margin(indices: NDArray[np.intp], size: int) -> slice:
    return slice(max(int(indices[0]) - MARGIN_PX, 0), min(int(indices[-1]) + 1 + MARGIN_PX, size))


def _is_distinct(first: tuple[frozenset[str], float], second: tuple[frozenset[str], float]) -> bool:
    """Whether a person tells two kinds apart by their shapes."""
    ratio = max(first[1], second[1]) / max(min(first[1], second[1]), 1e-9)
    return ratio > 2.5 or not are_alike(first[0], second[0])
