"""Mode ``objects``: a target is an object whose whole surface or shape looks unlike the other objects.

No object class is known. Objects are segmented, described and compared by a network that learned on simulated scenes of
procedural materials and shapes what makes an object odd among others, see :mod:`.object_network`.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.errors import InvalidFrameError
from impurity_grasp_ros.perception.accessibility import most_accessible
from impurity_grasp_ros.perception.network_weights import identity, load_object_network
from impurity_grasp_ros.perception.object_network import FeatureMaps, ObjectNetwork
from impurity_grasp_ros.perception.object_numbers import object_numbers
from impurity_grasp_ros.perception.object_sizes import Sizes, measured, of_known_size
from impurity_grasp_ros.perception.object_surroundings import HIGHER, SURROUNDINGS
from impurity_grasp_ros.perception.objects_config import ObjectsConfig, SegmentationConfig, SizesConfig
from impurity_grasp_ros.perception.oddness import KnownObjects, Vectors, is_unfamiliar, probabilities, remember
from impurity_grasp_ros.perception.ordinary_model import load_model
from impurity_grasp_ros.perception.ortho import FINE_FACTOR
from impurity_grasp_ros.perception.seen_objects import SeenObject
from impurity_grasp_ros.perception.segmentation import Labels, inner_cells, segment
from impurity_grasp_ros.perception.target import Detection
from impurity_grasp_ros.resources import resource

WEIGHTS = "models/attention.safetensors"
"""The shipped weights."""

MAX_SIZES = 256
"""Sizes that are remembered."""

STEP, AROUND = 4, 16
"""The sides of the part of a view that the network sees are multiples of ``STEP``; cells around the objects in it."""


@dataclass(frozen=True, eq=False)
class ObjectsMemory:
    """What is remembered of a job.

    Attributes:
        known: Objects with which those in view are compared; None as long as none was surely ordinary.
        objects: The objects of the latest view.
        sizes: Sizes of single objects that were seen in the job.
        single: (R, C) bool, cells of high objects that are known by their size to be single ones; None without any.
        unfamiliar: Whether a model was taught, and most objects of the latest view are unlike all of it.
    """

    known: KnownObjects | None
    objects: tuple[SeenObject, ...] = ()
    sizes: Sizes | None = None
    single: NDArray[np.bool_] | None = None
    unfamiliar: bool = False


@dataclass(frozen=True, eq=False)
class Description:
    """The objects of a view: the object of each cell (R, C), -1 for none, and the vectors (n, vector) of them."""

    labels: Labels
    vectors: Vectors


def network_of(config: ObjectsConfig) -> ObjectNetwork:
    """Load the network that a configuration names; it is loaded once.

    Raises:
        CheckpointError: The weights cannot be used.
    """
    return load_object_network(Path(config.weights).expanduser() if config.weights else resource(WEIGHTS))


def find_odd_objects(
    heightmap: Heightmap, objects: NDArray[np.bool_], memory: ObjectsMemory | None, config: ObjectsConfig
) -> tuple[Detection, ObjectsMemory]:
    """Find the first of the objects in view that are unlike ordinary ones.

    Args:
        heightmap: The view, with its fine color.
        objects: (R, C) bool, the cells that carry an object.
        memory: What was remembered of the previous view; None in the first view of a job, which then begins with the
            model that the configuration names, if any.
        config: How objects are found and judged.

    Returns:
        The detection, and what to remember. The detection's saliency is the probability of being odd of each cell's
        object.

    Raises:
        InvalidFrameError: The heightmap has no fine color.
        CheckpointError: The weights cannot be used.
        ConfigError: The model of ordinary objects cannot be used.
    """
    network = network_of(config)
    seen = describe(network, heightmap, objects, config.segmentation)
    known = memory.known if memory else taught(network, config)
    odd = probabilities(network, seen.vectors, known)
    masks = [seen.labels == index for index in range(len(odd))]
    after = ObjectsMemory(
        remember(known, seen.vectors, odd, config.oddness),
        tuple(SeenObject(mask, float(value)) for mask, value in zip(masks, odd, strict=True)),
        *_single_objects(seen, heightmap, None if memory is None else memory.sizes, config.sizes),
        is_unfamiliar(seen.vectors, known, config.oddness),
    )
    saliency = np.where(seen.labels >= 0, np.append(odd, 0.0)[seen.labels], 0.0).astype(np.float32)
    score = rescaled(float(odd.max()) if len(odd) else 0.0, config.oddness.min_probability)
    found = [index for index in np.argsort(-odd) if odd[index] >= config.oddness.min_probability]
    if not found:
        return Detection(np.zeros(objects.shape, np.bool_), score, saliency), after
    in_order = [masks[index] for index in found]
    mask = in_order[0] if config.order == "certain" else most_accessible(in_order, heightmap)
    return Detection(mask, score, saliency), after


def segmented(
    network: ObjectNetwork, heightmap: Heightmap, objects: NDArray[np.bool_], config: SegmentationConfig
) -> Labels:
    """Segment the objects of a view.

    Args:
        network: The network.
        heightmap: The view, with its fine color.
        objects: (R, C) bool, the cells that carry an object, at least one.
        config: When cells form an object.

    Returns:
        (R, C) int64, the object of each cell, -1 for none.

    Raises:
        InvalidFrameError: The heightmap has no fine color.
    """
    place = _place_of(objects)
    outline = feature_maps(network, _cut(heightmap, place)).outline[0].numpy()
    return _whole(segment(outline, objects[place], config), place, objects.shape)


def describe(
    network: ObjectNetwork, heightmap: Heightmap, objects: NDArray[np.bool_], config: SegmentationConfig
) -> Description:
    """Segment the objects of a view and describe each of them.

    Args:
        network: The network.
        heightmap: The view, with its fine color.
        objects: (R, C) bool, the cells that carry an object.
        config: When cells form an object.

    Raises:
        InvalidFrameError: The heightmap has no fine color.
    """
    place = _place_of(objects)
    view, cells = _cut(heightmap, place), objects[place]
    maps = feature_maps(network, view)
    labels = segment(maps.outline[0].numpy(), cells, config)
    inner = inner_cells(labels)
    with torch.inference_mode():
        numbers = torch.from_numpy(_numbers(inner, view))
        vectors = network.describe(network.pool(maps, 0, torch.from_numpy(inner), numbers))
    return Description(_whole(labels, place, objects.shape), np.asarray(vectors.numpy(), np.float32))


def _whole(labels: Labels, place: tuple[slice, slice], shape: tuple[int, ...]) -> Labels:
    """Labels of a part as those of the whole view."""
    whole = np.full(shape, -1, np.int64)
    whole[place] = labels
    return whole


def _numbers(labels: Labels, view: Heightmap) -> NDArray[np.float32]:
    return object_numbers(labels, view.height, view.valid, _fine(view), view.grid.resolution)


def _single_objects(
    seen: Description, heightmap: Heightmap, known: Sizes | None, config: SizesConfig
) -> tuple[Sizes, NDArray[np.bool_]]:
    """Sizes of single objects that are known after a view, and the cells (R, C) of high objects of such sizes."""
    sizes, heights = measured(seen.labels, heightmap.height, heightmap.grid.resolution)
    is_high = heights >= config.max_height
    free = seen.vectors[:, HIGHER - SURROUNDINGS] <= config.max_higher
    new = sizes[free & ~is_high & np.isfinite(sizes).all(axis=1)]
    known = new if known is None else np.concatenate([known, new])[-MAX_SIZES:]
    single = np.flatnonzero(is_high & of_known_size(sizes, known, config))
    return known, np.isin(seen.labels, single)


def taught(network: ObjectNetwork, config: ObjectsConfig) -> KnownObjects | None:
    """Load the model that a configuration names; None if it names none.

    Raises:
        ConfigError: The file cannot be used, or was made with another network.
    """
    if not config.ordinary_model:
        return None
    return load_model(Path(config.ordinary_model).expanduser(), identity(network), network.vector)


def rescaled(probability: float, threshold: float) -> float:
    """Return a score that is 0.5 at the threshold and grows linearly to 1 with the probability."""
    if probability < threshold:
        return 0.5 * probability / threshold
    return 0.5 + 0.5 * (probability - threshold) / (1.0 - threshold)


def _place_of(objects: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The part of a view around all objects: the network takes less time there than on the empty table, too."""
    if not objects.any():
        return slice(0, STEP), slice(0, STEP)
    rows, columns = (np.flatnonzero(objects.any(axis)) for axis in (1, 0))
    return _range(rows, objects.shape[0]), _range(columns, objects.shape[1])


def _range(indices: NDArray[np.intp], size: int) -> slice:
    """A range around indices, both ends of which are multiples of ``STEP``."""
    first, last = int(indices[0]) - AROUND, int(indices[-1]) + 1 + AROUND
    return slice(max(first // STEP * STEP, 0), min(-(-last // STEP) * STEP, size))


def _cut(heightmap: Heightmap, place: tuple[slice, slice]) -> Heightmap:
    """A part of a view, with its fine color."""
    rows, columns = place
    grid = heightmap.grid
    x_min, y_min = grid.x_min + columns.start * grid.resolution, grid.y_min + rows.start * grid.resolution
    fine = tuple(slice(FINE_FACTOR * side.start, FINE_FACTOR * side.stop) for side in place)
    return Heightmap(
        heightmap.color[place],
        heightmap.height[place],
        heightmap.valid[place],
        Grid(x_min, y_min, rows.stop - rows.start, columns.stop - columns.start, grid.resolution),
        heightmap.stamp,
        _fine(heightmap)[fine],
    )


@torch.inference_mode()
def feature_maps(network: ObjectNetwork, heightmap: Heightmap) -> FeatureMaps:
    """Compute the feature maps of a view.

    Args:
        network: The network.
        heightmap: The view, with its fine color.

    Raises:
        InvalidFrameError: The heightmap has no fine color.
    """
    color = torch.from_numpy(_fine(heightmap)).permute(2, 0, 1)[None].float() / 255
    planes = (heightmap.height, heightmap.valid)
    height, seen = (torch.from_numpy(plane.astype(np.float32))[None, None] for plane in planes)
    return network(color.contiguous(memory_format=torch.channels_last), height, seen)


def _fine(heightmap: Heightmap) -> NDArray[np.uint8]:
    """The fine color of a view; raises InvalidFrameError if it has none of the right size."""
    fine, grid = heightmap.fine_color, heightmap.grid
    shape = (FINE_FACTOR * grid.rows, FINE_FACTOR * grid.columns, 3)
    if fine is None or fine.shape != shape:
        received = None if fine is None else fine.shape
        raise InvalidFrameError(f"fine_color: expected an image of shape {shape}, received {received}")
    return fine
