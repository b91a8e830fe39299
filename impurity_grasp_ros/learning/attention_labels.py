"""Labels of views: what the attention network is to say of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import HEIGHTMAP_RESOLUTION
from impurity_grasp_ros.perception.object_numbers import object_numbers
from impurity_grasp_ros.perception.objects_config import SegmentationConfig
from impurity_grasp_ros.perception.ortho import FINE_FACTOR
from impurity_grasp_ros.perception.segmentation import Labels, border_cells, compact, inner_cells, segment

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
        numbers: (n, 108) float32 of these objects, see :func:`.object_numbers`.
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


@dataclass(frozen=True)
class Roles:
    """Which kind each body is of, and which kinds are odd."""

    kinds: Mapping[int, int]
    odd: frozenset[int]


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
    height, seen = turned(height, turns, mirror), turned(seen, turns, mirror)
    color, bodies = turned(color, turns, mirror), turned(bodies, turns, mirror)
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
    targets, numbers = outline_targets(objects), object_numbers(labels, height, seen, color, HEIGHTMAP_RESOLUTION)
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
    numbers = object_numbers(labels, view.height, view.seen, view.color, HEIGHTMAP_RESOLUTION)
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


def turned(image: NDArray[Scalar], turns: int, mirror: bool) -> NDArray[Scalar]:
    """Turn an image by so many right angles, then mirror it if asked to."""
    found = np.rot90(image, turns)
    return np.ascontiguousarray(found[:, ::-1] if mirror else found)
