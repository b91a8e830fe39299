"""Models of ordinary objects that were taught: small files that a job can start with."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import shown
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file, write_atomically
from impurity_grasp_ros.perception.oddness import KnownObjects, Vectors

MAX_FILE_BYTES = 1_000_000
MAX_OBJECTS = 24
"""Most objects of either kind that a model keeps: as many as are known in the training of the network."""

DIGITS = 3
"""Decimal places of the numbers in a file."""

LARGEST = 1e6
"""Largest absolute value of a number in a file."""

KEYS = {"network", "ordinary", "odd"}
"""What a file holds."""


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
    return KnownObjects(np.concatenate(kept), is_odd, ordinary[:0], taught=True)


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
    """Write a model, atomically. Only a file that is a model itself is replaced.

    Args:
        path: The file.
        model: The model.
        network: Identity of the network that described the objects.

    Raises:
        ConfigError: The file cannot be written, or it exists and is no model.
    """
    content = {
        "network": network,
        "ordinary": _rows(model.first[~model.first_odd]),
        "odd": _rows(model.first[model.first_odd]),
    }
    _check_replaceable(path)
    try:
        write_atomically(path, json.dumps(content, separators=(",", ":")).encode())
    except (OSError, ValueError) as error:  # ValueError: a null character in the name
        raise ConfigError(f"{path}: expected a file that can be written: {error}") from error


def load_model(path: Path, network: str, size: int) -> KnownObjects:
    """Read a model.

    Args:
        path: The file.
        network: Identity of the network that will describe the objects in view.
        size: Numbers of which it makes a vector.

    Raises:
        ConfigError: The file is missing or no such model, or was made with another network.
    """
    content = _content(path)
    made_with = content["network"]
    if made_with != network:
        raise ConfigError(
            f"{path}: expected a model made with network {network}, received one made with {shown(made_with)}; "
            "please teach it again"
        )
    try:
        return make_model(_vectors(content["ordinary"], size), _vectors(content["odd"], size))
    except (ValueError, TypeError, OverflowError, ConfigError) as error:
        raise ConfigError(f"{path}: expected a model of ordinary objects: {error}") from error


def _content(path: Path) -> dict[str, Any]:
    """What a file holds; raises ConfigError."""
    try:
        content = json.loads(read_file(path, MAX_FILE_BYTES).decode("utf-8"))
    except (OSError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: expected a model of ordinary objects: {error}") from error
    if not isinstance(content, dict) or not content.keys() >= KEYS:
        raise ConfigError(f"{path}: expected a model of ordinary objects, received {shown(content)}")
    return content


def _check_replaceable(path: Path) -> None:
    """Refuse to write over anything but a model."""
    if not os.path.lexists(path):
        return
    try:
        _content(path)
    except ConfigError as error:
        raise ConfigError(f"{path}: expected a new file, or a model to replace: {error}") from error


def _rows(vectors: Vectors) -> list[list[float]]:
    return [[round(float(number), DIGITS) for number in row] for row in vectors]


def _vectors(rows: Sequence[Sequence[float]], size: int) -> Vectors:
    """Vectors (n, size) of a file; raises ValueError, TypeError or OverflowError."""
    vectors = np.array(rows, np.float64)
    if vectors.size == 0 and len(rows) == 0:
        return np.zeros((0, size), np.float32)
    if vectors.ndim != 2 or vectors.shape[1] != size:
        raise ValueError(f"expected rows of {size} numbers, received an array of shape {vectors.shape}")
    if not (np.abs(vectors) <= LARGEST).all():  # also false for NaN
        raise ValueError(f"expected numbers of at most {LARGEST:g}, received others")
    return vectors.astype(np.float32)
