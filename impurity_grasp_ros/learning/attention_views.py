"""Labeled views for training the attention: simulated scenes whose objects get new materials again and again.

Dropping the objects takes most of the time, so a scene is used several times. Each time the kinds get other materials,
and the pieces other coats; two views of one drawing form a pair, so that one can stand for what is remembered.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import HEIGHTMAP_RESOLUTION
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project, project_labels
from impurity_grasp_ros.perception.object_numbers import object_numbers
from impurity_grasp_ros.perception.objects_config import SegmentationConfig
from impurity_grasp_ros.perception.ortho import FINE_FACTOR, fine_color
from impurity_grasp_ros.perception.segmentation import Labels, border_cells, compact, inner_cells, segment
from impurity_grasp_ros.simulation.camera import Rendering
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.materials import Material
from impurity_grasp_ros.simulation.scenes import load_scene
from impurity_grasp_ros.simulation.sensor_noise import SensorNoise
from impurity_grasp_ros.simulation.training_goods import another_material, color, first_material

MIXED_SCENES = ("random", "challenging", "invisible", "novel")
"""Scenes whose objects have many shapes, so that shape says nothing there."""

FIRST_SEED = 1_000_000
"""Lowest seed of scenes for training; all measurements use lower ones."""

MIXED, NOISY = 0.4, 0.8
"""Fractions of the scenes with many shapes, and of the views with noise."""

MIN_CELLS = 40
"""Cells of the smallest part of an object that is judged."""


WINDOW = 144
"""Cells along the side of the part of a view that is learned from: most scenes fit in, and tables teach little."""

NO_KIND = 99
"""Kind of an object that shows the background."""

INSIDE_CELLS = 9.0
"""Distance in cells from the border at which a cell is fully inside of a large object."""


@dataclass(frozen=True, eq=False)
class LabeledView:
    """A view with what the network is to say of it.

    Attributes:
        color: (2 R, 2 C, 3) uint8, RGB; R and C are at most ``WINDOW``.
        height: (R, C) float32, meters above the table.
        seen: (R, C) bool.
        outline: (2, R, C) float16: whether a cell is on the border of an object, and how far inside of it, 0..1.
        labels: (R, C) int64, the objects that are judged; -1 elsewhere.
        numbers: (n, 101) float32 of these objects, see :func:`.object_numbers`.
        odd: (n,) bool, which of them are odd.
        kinds: (n,) int64, of which kind they are.
        bodies: (R, C) int64, the body of each cell; -1 elsewhere.
        body_odd: (m,) bool, which bodies are odd.
        body_kinds: (m,) int64, of which kind they are.
    """

    color: NDArray[np.uint8]
    height: NDArray[np.float32]
    seen: NDArray[np.bool_]
    outline: NDArray[np.float16]
    labels: Labels
    numbers: NDArray[np.float32]
    odd: NDArray[np.bool_]
    kinds: NDArray[np.int64]
    bodies: Labels
    body_odd: NDArray[np.bool_]
    body_kinds: NDArray[np.int64]


Scalar = TypeVar("Scalar", bound=np.generic)

Pair = tuple[LabeledView, LabeledView]
"""Two views that show the same bodies, of kinds that look the same in both."""


@dataclass(frozen=True)
class Roles:
    """Which kind each body is of, and which kinds are odd."""

    kinds: Mapping[int, int]
    odd: frozenset[int]


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
        """Render the scene with white objects."""
        world = self._environment.world
        world.coats.clear()
        for body in self._environment.scene.blocks:
            world.bullet.changeVisualShape(body, -1, rgbaColor=[1.0, 1.0, 1.0, 1.0])
        return self._environment.camera.render()

    def _roles(self, mixed: bool, rng: np.random.Generator) -> Roles:
        """The kinds of the scene, or kinds that are drawn if shapes say nothing."""
        blocks = self._environment.scene.blocks
        if not mixed:
            names = sorted({block.kind for block in blocks.values()})
            odd = frozenset(names.index(block.kind) for block in blocks.values() if block.target)
            return Roles({body: names.index(block.kind) for body, block in blocks.items()}, odd)
        bodies = rng.permutation(list(blocks))
        odd_count = 0 if rng.random() < 0.2 else int(rng.integers(1, max(2, min(3, len(bodies) // 4) + 1)))
        ordinary_kinds = 1 if rng.random() < 0.65 else int(rng.integers(2, 4))
        while ordinary_kinds > 1 and (len(bodies) - odd_count) // ordinary_kinds < max(3, odd_count + 1):
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
            found.append(found[other] if alone and rng.random() < 0.4 else another_material(found[other], rng))
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
        environment.camera.noise = SensorNoise(self._noise, rng) if rng.random() < NOISY else None
        rest = ~np.isin(rendering.bodies, list(roles.kinds))
        tinted = rendering.color.copy()
        tinted[rest] = (tinted[rest] * np.array(color(rng), np.float32)).astype(np.uint8)
        frame = environment.camera.develop(rendering._replace(color=tinted))
        grid = environment.cell.workspace.grid
        heightmap = project(frame, grid, self._projection)
        bodies = project_labels(frame, rendering.bodies, grid, self._projection)
        return labeled(heightmap.height, heightmap.valid, fine_color(frame, heightmap, FINE_FACTOR), bodies, roles, rng)


def labeled(
    height: NDArray[np.float32],
    seen: NDArray[np.bool_],
    color: NDArray[np.uint8],
    bodies: NDArray[np.int32],
    roles: Roles,
    rng: np.random.Generator,
) -> LabeledView:
    """Label the part of a view with objects, turned by a multiple of a right angle and mirrored half of the time.

    Args:
        height: (R, C) float32, meters.
        seen: (R, C) bool.
        color: (2 R, 2 C, 3) uint8.
        bodies: (R, C) int32, the body that each cell shows; bodies without a role count as background.
        roles: Kinds of the bodies.
        rng: Source of all random choices.
    """
    turns, mirror = int(rng.integers(4)), bool(rng.integers(2))
    height, seen = _turned(height, turns, mirror), _turned(seen, turns, mirror)
    color, bodies = _turned(color, turns, mirror), _turned(bodies, turns, mirror)
    owners = np.array(list(roles.kinds), np.int64)
    number = np.full(max(int(bodies.max()), int(owners.max())) + 2, -1, np.int64)
    number[owners] = np.arange(len(owners))
    objects = number[bodies]
    place = _window(objects >= 0, rng)
    fine = tuple(slice(FINE_FACTOR * side.start, FINE_FACTOR * side.stop) for side in place)
    height, seen, color, objects = height[place], seen[place], np.ascontiguousarray(color[fine]), objects[place]
    cells = inner_cells(objects) if rng.random() < 0.7 else objects
    labels = compact(cells, MIN_CELLS)
    kept = np.flatnonzero(np.bincount(cells[cells >= 0], minlength=len(owners)) >= MIN_CELLS)
    kinds = np.array(list(roles.kinds.values()), np.int64)
    odd = np.isin(kinds, list(roles.odd))
    targets, numbers = outline_targets(objects), object_numbers(labels, height, color, HEIGHTMAP_RESOLUTION)
    return LabeledView(color, height, seen, targets, labels, numbers, odd[kept], kinds[kept], objects, odd, kinds)


def _window(objects: NDArray[np.bool_], rng: np.random.Generator) -> tuple[slice, slice]:
    """Draw a square of ``WINDOW`` cells with all objects in it, or with a part of them if they take more."""
    rows, columns = (np.flatnonzero(objects.any(axis)) for axis in (1, 0))
    return _range(rows, objects.shape[0], rng), _range(columns, objects.shape[1], rng)


def _range(indices: NDArray[np.intp], size: int, rng: np.random.Generator) -> slice:
    """Draw a range of ``WINDOW`` that contains the indices or is among them."""
    width = min(WINDOW, size)
    low, high = (int(indices[0]), int(indices[-1]) + 1) if len(indices) else (0, size)
    first = int(rng.integers(min(low, high - width), max(low, high - width) + 1))
    first = min(max(first, 0), size - width)
    return slice(first, first + width)


def segmented(
    view: LabeledView, outline: NDArray[np.float32], config: SegmentationConfig, ground: float
) -> LabeledView:
    """Label a view by the objects that the network's outlines give, as in a job, instead of the true ones.

    An object is odd, and of a kind, as the body is that most of its cells show; the background is ordinary.

    Args:
        view: The view.
        outline: (2, R, C) logits of the network: border, inside.
        config: When cells form an object.
        ground: Meters above the table up to which cells carry no object.
    """
    labels = inner_cells(segment(outline, view.seen & (view.height > ground), config))
    count, bodies = int(labels.max()) + 1, len(view.body_odd)
    if count == 0:
        return view
    inside = labels >= 0
    owner = np.where(view.bodies[inside] < 0, bodies, view.bodies[inside])
    cells = np.bincount(labels[inside] * (bodies + 1) + owner, minlength=count * (bodies + 1))
    most = cells.reshape(count, bodies + 1).argmax(1)
    odd, kinds = np.append(view.body_odd, False)[most], np.append(view.body_kinds, NO_KIND)[most]
    numbers = object_numbers(labels, view.height, view.color, HEIGHTMAP_RESOLUTION)
    return replace(view, labels=labels, numbers=numbers, odd=odd, kinds=kinds)


def outline_targets(objects: Labels) -> NDArray[np.float16]:
    """What the outline maps are to show.

    Args:
        objects: (R, C) int64, the object of each cell; -1 for none.

    Returns:
        (2, R, C) float16: 1 where a neighbor shows something else; the distance from the border, 1 in the middle.
    """
    target = np.zeros((2, *objects.shape), np.float16)
    target[0] = (objects >= 0) & (border_cells(objects))
    for index in np.unique(objects[objects >= 0]):
        rows, columns = np.nonzero(objects == index)
        box = np.s_[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
        own = objects[box] == index
        distance = cv2.distanceTransform(np.pad(own, 1).astype(np.uint8), cv2.DIST_L2, 5)[1:-1, 1:-1]
        depth = np.clip(distance / np.clip(distance.max(), 1.0, INSIDE_CELLS), 0.0, 1.0)
        target[1][box] = np.where(own, depth, target[1][box])
    return target


def _turned(image: NDArray[Scalar], turns: int, mirror: bool) -> NDArray[Scalar]:
    turned = np.rot90(image, turns)
    return np.ascontiguousarray(turned[:, ::-1] if mirror else turned)


def _is_distinct(first: tuple[frozenset[str], float], second: tuple[frozenset[str], float]) -> bool:
    """Whether a person tells two kinds apart by their shapes."""
    ratio = max(first[1], second[1]) / max(min(first[1], second[1]), 1e-9)
    return not first[0] & second[0] or ratio > 2.5
