"""Bodies from files: Wavefront OBJ meshes, alone or named by a URDF. Every object of a file is one convex part."""

from __future__ import annotations

import math
import xml.etree.ElementTree as ET
from dataclasses import dataclass, replace
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import ClassVar

import numpy as np
import pybullet
import pybullet_data
from numpy.typing import NDArray
from scipy.spatial import ConvexHull, QhullError

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file
from impurity_grasp_ros.simulation.objects import Facets
from impurity_grasp_ros.simulation.world import World

POOL = "random_urdfs"
"""Folder of ``pybullet_data`` with 1000 generated shapes, decomposed into convex parts."""

MAX_DRAWS = 1000
MAX_MESH_BYTES = 20_000_000
Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class MeshShape:
    """A solid from a file, its origin at the centre of its volume.

    triangles: (n, 3, 3) metres, as seen. corners: (k, 3) metres, of its convex hull. volume: m3, parts that overlap
    count twice. file: OBJ for collisions, its points times ``scale`` plus ``offset`` (metres) being the solid's.
    """

    triangles: NDArray[np.float64]
    corners: NDArray[np.float64]
    volume: float
    file: Path
    scale: Vector
    offset: Vector

    kind: ClassVar[str] = "mesh"
    rolls: ClassVar[bool] = True

    @property
    def size(self) -> Vector:
        """Edges in metres of the box around it."""
        x, y, z = np.ptp(self.corners, axis=0)
        return float(x), float(y), float(z)

    def scaled(self, factor: float) -> MeshShape:
        """The same solid at another size."""
        return replace(
            self,
            triangles=self.triangles * factor,
            corners=self.corners * factor,
            volume=self.volume * factor**3,
            scale=_times(self.scale, factor),
            offset=_times(self.offset, factor),
        )

    def facets(self) -> Facets:
        """Triangles as in the file, each with its own normal."""
        vertices = self.triangles.reshape(-1, 3)
        normals = _normals(self.triangles)
        return vertices, np.arange(len(vertices)), np.repeat(normals, 3, axis=0)

    def collision(self, world: World) -> int:
        """A hull around every part of the file."""
        return int(
            world.bullet.createCollisionShape(
                pybullet.GEOM_MESH,
                fileName=str(self.file),
                meshScale=list(self.scale),
                collisionFramePosition=list(self.offset),
            )
        )


def load_mesh(file: Path) -> MeshShape:
    """The solid of an OBJ file, or of a URDF with one link and an OBJ mesh each for view and collision, as large as
    the file says; raises ConfigError for anything else.
    """
    if file.suffix == ".obj":
        return _solid(file, (1.0, 1.0, 1.0), file, (1.0, 1.0, 1.0))
    if file.suffix == ".urdf":
        return _solid(*_urdf_mesh(file, "visual"), *_urdf_mesh(file, "collision"))
    raise ConfigError(f"expected a mesh that ends in .obj or .urdf, received {file}")


@dataclass(frozen=True)
class MeshRange:
    """Which shapes of ``pybullet_data`` a scene takes, and how large."""

    share: float = parameter("part of the blocks that are meshes", low=0.0, high=1.0)
    size: tuple[float, float] = parameter("m, largest edge of the box around one", low=0.01, high=0.2)
    min_flatness: float = parameter("shortest edge of that box, as a part of the largest", low=0.0, high=0.5)
    min_fill: float = parameter("part of that box that it fills: thin spikes slip out of fingers", low=0.0, high=0.3)
    max_parts: int = parameter("convex parts, which collisions have to pay for", low=1, high=100)


NO_MESHES = MeshRange(0.0, (0.03, 0.06), 0.0, 0.0, 1)


def random_mesh(bounds: MeshRange, rng: np.random.Generator) -> MeshShape:
    """A shape of the pool within these bounds, its size drawn uniformly; raises ConfigError when hardly one is."""
    pool = _pool()
    for _ in range(MAX_DRAWS):
        file = pool[rng.integers(len(pool))]
        if _suits(file, bounds):
            mesh = load_mesh(file)
            if mesh.volume >= bounds.min_fill * math.prod(mesh.size):
                return mesh.scaled(rng.uniform(*bounds.size) / max(mesh.size))
    raise ConfigError(f"expected bounds that some meshes of {POOL} meet, received {bounds}")


@cache
def _pool() -> tuple[Path, ...]:
    return tuple(sorted((Path(pybullet_data.getDataPath()) / POOL).glob("*/*.obj")))


def _suits(file: Path, bounds: MeshRange) -> bool:
    try:
        parts = _read_obj(file)
    except ConfigError:  # one of the pool has no numbers in it
        return False
    edges = np.ptp(np.concatenate(parts).reshape(-1, 3), axis=0)
    return len(parts) <= bounds.max_parts and bool(edges.min() > bounds.min_flatness * edges.max())


def _solid(seen: Path, seen_scale: Vector, file: Path, scale: Vector) -> MeshShape:
    """The solid that looks like the triangles of one file and collides like the parts of another."""
    parts = [part.reshape(-1, 3) * scale for part in _read_obj(file)]
    volumes, centroids = zip(*map(_volume_and_centroid, parts), strict=True)
    volume = float(sum(volumes))
    if not volume > 0.0:
        raise ConfigError(f"{file}: expected a mesh with a volume, received a flat one")
    center = np.average(centroids, axis=0, weights=volumes)
    points = np.concatenate(parts)
    triangles = np.concatenate(_read_obj(seen)) * seen_scale
    return MeshShape(
        triangles=triangles[np.linalg.norm(_normals(triangles), axis=1) > 0.5] - center,
        corners=points[ConvexHull(points).vertices] - center,
        volume=volume,
        file=file,
        scale=scale,
        offset=_times((float(center[0]), float(center[1]), float(center[2])), -1.0),
    )


def _volume_and_centroid(points: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
    """Volume in m3 and centroid (3,) of a convex hull; a flat one has no volume."""
    try:
        hull = ConvexHull(points)
    except QhullError:
        return 0.0, points.mean(axis=0)
    faces, inside = points[hull.simplices], points.mean(axis=0)
    volumes = np.abs(np.linalg.det(faces - inside)) / 6
    return float(volumes.sum()), np.average((faces.sum(axis=1) + inside) / 4, axis=0, weights=volumes)


def _normals(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals (n, 3), counter-clockwise side; zero for a triangle without area."""
    a, b, c = triangles.transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(np.divide(across, lengths, out=np.zeros_like(across), where=lengths > 0.0))


def _read_obj(file: Path) -> list[NDArray[np.float64]]:
    """Triangles (n, 3, 3) of every object or group of an OBJ file; raises ConfigError when there are none."""
    points: list[list[float]] = []
    parts: list[list[tuple[int, int, int]]] = [[]]
    try:
        for words in map(str.split, read_file(file, MAX_MESH_BYTES).decode("utf-8").splitlines()):
            match words:
                case ["v", x, y, z, *_]:
                    points.append([float(x), float(y), float(z)])
                case ["f", *corners]:
                    numbers = [int(corner.split("/")[0]) for corner in corners]
                    first, *others = [number - 1 if number > 0 else len(points) + number for number in numbers]
                    parts[-1] += [(first, b, c) for b, c in pairwise(others)]
                case ["o" | "g", *_]:
                    parts.append([])
        solids = [np.array(points)[np.array(part)] for part in parts if part]
    except (OSError, ValueError, IndexError) as error:
        raise ConfigError(f"expected a readable OBJ file, received {file}: {error}") from error
    if not solids or not all(np.isfinite(part).all() for part in solids):
        raise ConfigError(f"{file}: expected an OBJ file with faces between finite points, found none")
    return solids


def _urdf_mesh(file: Path, section: str) -> tuple[Path, Vector]:
    """OBJ file and scale of what a URDF of one link says in ``visual`` or ``collision``."""
    try:
        links = ET.fromstring(read_file(file, MAX_MESH_BYTES)).findall("link")
        shapes = [shape for link in links for shape in link.findall(section)]
        origins = [origin for shape in shapes for origin in shape.findall("origin")]
        moved = [o for o in origins for name in ("xyz", "rpy") if any(map(float, o.get(name, "0").split()))]
        (mesh,) = [mesh for shape in shapes for mesh in shape.findall("geometry/mesh")]
        x, y, z = map(float, mesh.get("scale", "1 1 1").split())
        if len(links) != 1 or len(shapes) != 1 or moved:
            raise ValueError(f"{len(links)} links, {len(shapes)} shapes, {len(moved)} of them moved or turned")
    except (OSError, ET.ParseError, ValueError) as error:
        raise ConfigError(
            f"{file}: expected one link with one {section} mesh at its origin, received {error}"
        ) from error
    return file.parent / mesh.get("filename", ""), (x, y, z)


def _times(vector: Vector, factor: float) -> Vector:
    return vector[0] * factor, vector[1] * factor, vector[2] * factor
