"""Skins: images that the renderer lays on the surface of a body."""

from __future__ import annotations

import struct
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.simulation.world import World


@dataclass(frozen=True, eq=False)
class Skin:
    """An image on a surface.

    Attributes:
        image: (H, W, 3) uint8, RGB.
        coordinates: (n, 2) texture coordinates of the vertices of :meth:`.Solid.facets`, none of them negative; the
            image is repeated beyond 1. The second one points up in the image.
    """

    image: NDArray[np.uint8]
    coordinates: NDArray[np.float64]


def load_image(world: World, image: NDArray[np.uint8]) -> int:
    """Pass an image (H, W, 3) to the engine, through a file because it loads no other; returns the texture's handle."""
    height, width, _ = image.shape
    header = struct.pack("<3B2HB4H2B", 0, 0, 2, 0, 0, 0, 0, 0, width, height, 24, 0x20)  # uncompressed, top row first
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "texture.tga"
        file.write_bytes(header + image[:, :, ::-1].tobytes())
        return int(world.bullet.loadTexture(str(file)))


def lay_image(world: World, body: int, texture: int) -> None:
    """Lay an image on the surface of a body."""
    world.bullet.changeVisualShape(body, -1, textureUniqueId=texture)
