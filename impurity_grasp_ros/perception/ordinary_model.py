"""Models of ordinary objects that were taught: small files that a job can start with."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import shown
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file, write_atomically
from impurity_grasp_ros.perception.oddness import KnownObjects, Vectors

MAX_FILE_BYTES = 1_000_000
MAX_OBJECTS = 64
"""Most objects of either kind that a model keeps."""

DIGITS = 3
"""Decimal places of the numbers in a file."""


def make_model(ordinary: Vectors, odd: Vectors) -> KnownObjects:
    """Make a model of objects that were shown.

    Of more than ``MAX_OBJECTS`` objects, those are kept that differ most from each other.

    Args:
        ordinary: (n, vector) ordinary objects, at least one.
        odd: (m, vector) odd ones; none are needed.

    Raises:
        ConfigError: There is no ordinary object.
    """
    if len(ordinary) == 0:
        raise ConfigError("expected at least one ordinary object to learn from, received none")
    kept = [group[farthest_first(group, MAX_OBJECTS)] for group in (ordinary, odd)]
    is_odd = np.repeat([False, True], [len(group) for group in kept])
    return KnownObjects(np.concatenate(kept), is_odd, ordinary[:0])


def farthest_first(vectors: Vectors, count: int) -> NDArray[np.int64]:
    """Choose up to ``count`` vectors (n, vector), each time the one farthest from those chosen; sorted indices."""
    if len(vectors) <= count:
        return np.arange(len(vectors))
    chosen = [int(np.linalg.norm(vectors - vectors.mean(axis=0), axis=1).argmin())]
    distance = np.linalg.norm(vectors - vectors[chosen[0]], axis=1)
    while len(chosen) < count:
        chosen.append(int(distance.argmax()))
        distance = np.minimum(distance, np.linalg.norm(vectors - vectors[chosen[-1]], axis=1))
    return np.sort(np.array(chosen, np.int64))


def save_model(path: Path, model: KnownObjects, network: str) -> None:
    """Write a model, atomically.

    Args:
        path: The file.
        model: The model.
        network: Identity of the network that described the objects.

    Raises:
        OSError: The file cannot be written.
    """
    content = {
        "network": network,
        "ordinary": _rows(model.first[~model.first_odd]),
        "odd": _rows(model.first[model.first_odd]),
    }
    write_atomically(path, json.dumps(content, separators=(",", ":")).encode())


def load_model(path: Path, network: str) -> KnownObjects:
    """Read a model.

    Args:
        path: The file.
        network: Identity of the network that will describe the objects in view.

    Raises:
        ConfigError: The file is missing or no such model, or was made with another network.
    """
    try:
        content = json.loads(read_file(path, MAX_FILE_BYTES).decode("utf-8"))
        made_with, groups = content["network"], [_vectors(content[key]) for key in ("ordinary", "odd")]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise ConfigError(f"{path}: expected a model of ordinary objects: {error!r}") from error
    if made_with != network:
        raise ConfigError(
            f"{path}: expected a model made with network {network}, received one made with {shown(made_with)}; "
            "please teach it again"
        )
    ordinary, odd = groups
    return make_model(ordinary, odd if len(odd) else ordinary[:0])


def _rows(vectors: Vectors) -> list[list[float]]:
    return [[round(float(number), DIGITS) for number in row] for row in vectors]


def _vectors(rows: Sequence[Sequence[float]]) -> Vectors:
    """Vectors (n, vector) of a file; raises ValueError."""
    vectors = np.array(rows, np.float32).reshape(len(rows), -1) if len(rows) else np.zeros((0, 0), np.float32)
    if not np.isfinite(vectors).all():
        raise ValueError("a number is not finite")
    return vectors
