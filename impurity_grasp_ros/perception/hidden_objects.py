"""How many objects are to be expected where the camera does not see them, and whether one of them is a target."""

from __future__ import annotations

import math
from pathlib import Path

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from impurity_grasp_ros.constants import HEIGHTMAP_RESOLUTION
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.perception.hidden_config import HiddenConfig
from impurity_grasp_ros.perception.hidden_network import CELLS, HiddenNetwork
from impurity_grasp_ros.perception.network_weights import load_hidden_network
from impurity_grasp_ros.resources import resource

WEIGHTS = "models/hidden.safetensors"
"""The shipped weights."""

STEP = 2 * CELLS
"""The size of what the network sees is a multiple of this number of cells."""


def network_of(config: HiddenConfig) -> HiddenNetwork:
    """Load the network that a configuration names; it is loaded once.

    Raises:
        CheckpointError: The weights cannot be used.
    """
    return load_hidden_network(Path(config.weights).expanduser() if config.weights else resource(WEIGHTS))


def expected_objects(heightmap: Heightmap, network: HiddenNetwork) -> NDArray[np.float32]:
    """Tell where hidden objects are to be expected.

    Args:
        heightmap: The view, with cells of any size.
        network: Tells it from heights in cells of 2 mm.

    Returns:
        (R, C) float32 expected number of objects whose center lies in each cell and that are hidden.
    """
    rows, columns = heightmap.valid.shape
    scale = heightmap.grid.resolution / HEIGHTMAP_RESOLUTION
    size = round(columns * scale), round(rows * scale)
    planes = (np.where(heightmap.valid, heightmap.height, np.float32(0.0)), heightmap.valid.astype(np.float32))
    height, seen = (torch.from_numpy(_fitted(plane, size))[None, None] for plane in planes)
    with torch.inference_mode():
        number = network(height, seen).exp()[0].numpy()
    dense = np.kron(number / CELLS**2, np.ones((CELLS, CELLS), np.float32))[: size[1], : size[0]]
    found = cv2.resize(dense, (columns, rows), interpolation=cv2.INTER_NEAREST)
    return np.asarray(found * (dense.sum() / max(float(found.sum()), 1e-12)), np.float32)


def _fitted(plane: NDArray[np.float32], size: tuple[int, int]) -> NDArray[np.float32]:
    """Resize a plane to a size (columns, rows), then pad it to a multiple of ``STEP``."""
    resized = np.asarray(cv2.resize(plane, size, interpolation=cv2.INTER_NEAREST), np.float32)
    return np.pad(resized, [(0, -length % STEP) for length in resized.shape])


def target_probability(number: float, target_share: float) -> float:
    """Probability that at least one target is hidden.

    Args:
        number: Expected number of hidden objects, the mean of a Poisson distribution.
        target_share: Fraction of hidden objects that are targets.
    """
    return 1.0 - math.exp(-target_share * number)
