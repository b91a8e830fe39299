"""Teaching: a person shows ordinary goods, and impurities if wanted, and gets a model of ordinary objects.

A production line knows its product. A job that begins with a model may show more impurities than product, a single
object, or none at all; see :mod:`.oddness`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Grid, Heightmap
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.network_weights import identity
from impurity_grasp_ros.perception.object_network import ObjectNetwork
from impurity_grasp_ros.perception.objects_config import ObjectsConfig
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.odd_objects import describe, network_of, taught
from impurity_grasp_ros.perception.oddness import KnownObjects, Vectors
from impurity_grasp_ros.perception.ordinary_model import farthest_first, make_model, save_model
from impurity_grasp_ros.perception.segmentation import Labels

REACH = 0.006
"""Largest distance in meters of a point from the object that it means."""

MAX_SHOWN = 512
"""Most objects of either kind from which a model is made; of more, those are kept that differ most."""


class What(IntEnum):
    """What objects are; the numbers of ``srv/Teach.srv``."""

    ORDINARY = 0
    ODD = 1


@dataclass(frozen=True, eq=False)
class Teacher:
    """What was taught so far. Showing a view returns another teacher, so that a failure changes nothing.

    Attributes:
        network: The network that describes objects.
        ordinary: (n, vector) ordinary objects that were shown.
        odd: (m, vector) odd ones.
        ordinary_shown: Number of ordinary objects that were shown, also those that are not kept.
        odd_shown: Number of odd ones.
    """

    network: ObjectNetwork
    ordinary: Vectors
    odd: Vectors
    ordinary_shown: int
    odd_shown: int

    @classmethod
    def begin(cls, config: ObjectsConfig) -> Teacher:
        """Begin with nothing.

        Args:
            config: Names the weights of the network.

        Raises:
            CheckpointError: The weights cannot be used.
        """
        network = network_of(config)
        nothing = np.zeros((0, network.vector), np.float32)
        return cls(network, nothing, nothing, 0, 0)

    @classmethod
    def resume(cls, config: ObjectsConfig) -> Teacher:
        """Begin with the model that a configuration names; with nothing if it names none.

        Args:
            config: Names the weights of the network, and the model.

        Raises:
            CheckpointError: The weights cannot be used.
            ConfigError: The model cannot be used.
        """
        teacher = cls.begin(config)
        known = taught(teacher.network, config)
        if known is None:
            return teacher
        return teacher._with(known.first[~known.first_odd], known.first[known.first_odd])

    def shown(
        self,
        heightmap: Heightmap,
        config: AttentionConfig,
        what: What = What.ORDINARY,
        points: Sequence[tuple[float, float]] = (),
    ) -> Teacher:
        """Learn from a view.

        Args:
            heightmap: The view, with its fine color.
            config: How objects are found.
            what: What the objects are.
            points: (x, y) in meters, base frame: only the objects there are meant; without points, all in view. With
                ``ODD``, the others are ordinary; with ``ORDINARY``, nothing is learned from them.

        Returns:
            What was taught, with this view.

        Raises:
            InvalidFrameError: The heightmap has no fine color.
            InvalidGoalError: There is no object in view, or none at a point.
        """
        seen = describe(self.network, heightmap, object_cells(heightmap, config.occlusion), config.objects.segmentation)
        count = len(seen.vectors)
        if count == 0:
            raise InvalidGoalError("expected objects in view to learn from, received a view with none")
        meant = np.zeros(count, np.bool_)
        meant[[object_at(seen.labels, heightmap.grid, point) for point in points] if points else slice(None)] = True
        if what is What.ODD:
            return self._with(seen.vectors[~meant], seen.vectors[meant])
        return self._with(seen.vectors[meant], seen.vectors[:0])

    def _with(self, ordinary: Vectors, odd: Vectors) -> Teacher:
        return replace(
            self,
            ordinary=_joined(self.ordinary, ordinary),
            odd=_joined(self.odd, odd),
            ordinary_shown=self.ordinary_shown + len(ordinary),
            odd_shown=self.odd_shown + len(odd),
        )

    def model(self) -> KnownObjects | None:
        """What a job can begin with; None as long as no ordinary object was shown."""
        return make_model(self.ordinary, self.odd) if len(self.ordinary) else None

    def save(self, path: Path) -> None:
        """Write the model to a file, atomically; only another model is replaced.

        Raises:
            ConfigError: No ordinary object was shown, or the file cannot be written.
        """
        save_model(path, make_model(self.ordinary, self.odd), identity(self.network))


def object_at(labels: Labels, grid: Grid, point: tuple[float, float]) -> int:
    """Find the object that a point means: the one there, or the nearest one within ``REACH``.

    Args:
        labels: (R, C) int64, the object of each cell; -1 for none.
        grid: The cells.
        point: (x, y) in meters, base frame.

    Raises:
        InvalidGoalError: There is no object.
    """
    if not all(map(math.isfinite, point)):
        raise InvalidGoalError(f"expected points of finite numbers, received {point}")
    rows, columns = np.nonzero(labels >= 0)
    row, column = grid.to_cell(*point)
    distance: NDArray[np.float64] = np.hypot(rows - row, columns - column) * grid.resolution
    nearest = int(distance.argmin())
    if distance[nearest] > REACH:
        x, y = point
        raise InvalidGoalError(
            f"expected an object at ({x:.3f}, {y:.3f}) m, the nearest one is {distance[nearest]:.3f} m away"
        )
    return int(labels[rows[nearest], columns[nearest]])


def _joined(before: Vectors, new: Vectors) -> Vectors:
    joined = np.concatenate([before, new])
    return joined[farthest_first(joined, MAX_SHOWN)]
