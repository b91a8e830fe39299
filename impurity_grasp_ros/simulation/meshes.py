"""Solids from Wavefront OBJ files, directly or through a URDF. Every object in an OBJ file is one convex part."""

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
"""Folder of ``pybullet_data`` with 1000 generated meshes, decomposed into convex parts."""

MAX_DRAWS = 1000
MAX_MESH_BYTES = 20_000_000
Vector = tuple[float, float, float]


@dataclass(frozen=True, eq=False)
class MeshShape:
    """A solid from a file, with its origin at the center of its volume.

    Attributes:
        triangles: (n, 3, 3) visible surface, meters.
        corners: (k, 3) corners of the convex hull, meters.
        volume: Sum of the volumes of the parts, m3; overlaps count twice.
        file: OBJ file for collisions. Its points times ``scale`` plus ``offset`` are points of the solid.
        scale: Factors along x, y and z.
        offset: Offset along x, y and z, meters.
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
        """Edges of the bounding box, meters."""
        x, y, z = np.ptp(self.corners, axis=0)
        return float(x), float(y), float(z)

    def scaled(self, factor: float) -> MeshShape:
        """The same solid, ``factor`` times as large."""
        return replace(
            self,
            triangles=self.triangles * factor,
            corners=self.corners * factor,
            volume=self.volume * factor**3,
            scale=_times(self.scale, factor),
            offset=_times(self.offset, factor),
        )

    def facets(self) -> Facets:
        """The triangles of the file, each with its own normal."""
        vertices = self.triangles.reshape(-1, 3)
        normals = _normals(self.triangles)
        return vertices, np.arange(len(vertices)), np.repeat(normals, 3, axis=0)

    def collision(self, world: World) -> int:
        """Create a collision shape of the convex hulls of all parts of the file; returns the engine's handle."""
        return int(
            world.bullet.createCollisionShape(
                pybullet.GEOM_MESH,
                fileName=str(self.file),
                meshScale=list(self.scale),
                collisionFramePosition=list(self.offset),
            )
        )


def load_mesh(file: Path) -> MeshShape:
    """Load a solid at the size that the file specifies.

    Args:
        file: An OBJ file, or a URDF with one link that has one visual and one collision mesh (OBJ) at its origin.

    Raises:
        ConfigError: The file is anything else, or cannot be read.
    """
    if file.suffix == ".obj":
        return _solid(file, (1.0, 1.0, 1.0), file, (1.0, 1.0, 1.0))
    if file.suffix == ".urdf":
        return _solid(*_urdf_mesh(file, "visual"), *_urdf_mesh(file, "collision"))
    raise ConfigError(f"expected a mesh that ends in .obj or .urdf, received {file}")


@dataclass(frozen=True)
class MeshRange:
    """Which meshes of ``pybullet_data`` a scene uses, and their size."""

    share: float = parameter("fraction of the blocks that are meshes", low=0.0, high=1.0)
    size: tuple[float, float] = parameter("m, range of the longest edge of the bounding box", low=0.01, high=0.2)
    min_flatness: float = parameter(
        "minimum ratio of the shortest to the longest edge of the bounding box", low=0.0, high=0.5
    )
    min_fill: float = parameter(
        "minimum fraction of the bounding box that is filled: thin spikes slip out of the fingers", low=0.0, high=0.3
    )
    max_parts: int = parameter(
        "maximum number of convex parts, which determine the cost of collision checks", low=1, high=100
    )


NO_MESHES = MeshRange(0.0, (0.03, 0.06), 0.0, 0.0, 1)


def random_mesh(bounds: MeshRange, rng: np.random.Generator) -> MeshShape:
    """Draw a mesh of the pool that meets the bounds, with a uniformly distributed size.

    Raises:
        ConfigError: ``MAX_DRAWS`` meshes in a row did not meet the bounds.
    """
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
    except ConfigError:  # one file of the pool contains no numbers
        return False
    edges = np.ptp(np.concatenate(parts).reshape(-1, 3), axis=0)
    return len(parts) <= bounds.max_parts and bool(edges.min() > bounds.min_flatness * edges.max())


def filled_shares(file: Path) -> list[float]:
    """Return how much of its convex hull each part of an OBJ file fills, 0..1: 1 for a closed convex surface.

    Raises:
        ConfigError: The file cannot be read.
    """
    shares = []
    for triangles in _read_obj(file):
        hull, center = _volume_and_centroid(triangles.reshape(-1, 3))
        enclosed = abs(float(np.linalg.det(triangles - center).sum())) / 6
        shares.append(min(enclosed / hull, 1.0) if hull > 0.0 else 1.0)
    return shares


def _solid(seen: Path, seen_scale: Vector, file: Path, scale: Vector) -> MeshShape:
    """Make a solid from the visible triangles of one file and the collision parts of another."""
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
    """Volume (m3) and centroid (3,) of the convex hull of points; the volume of a flat hull is 0."""
    try:
        hull = ConvexHull(points)
    except QhullError:
        return 0.0, points.mean(axis=0)
    faces, inside = points[hull.simplices], points.mean(axis=0)
    volumes = np.abs(np.linalg.det(faces - inside)) / 6
    return float(volumes.sum()), np.average((faces.sum(axis=1) + inside) / 4, axis=0, weights=volumes)


def _normals(triangles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Unit normals (n, 3) by the right-hand rule; zero for a triangle without area."""
    a, b, c = triangles.transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    lengths = np.linalg.norm(across, axis=1, keepdims=True)
    return np.asarray(np.divide(across, lengths, out=np.zeros_like(across), where=lengths > 0.0))


def _read_obj(file: Path) -> list[NDArray[np.float64]]:
    """Triangles (n, 3, 3) of each object or group of an OBJ file; raises ConfigError if there are none."""
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
    """OBJ file and scale of the ``visual`` or ``collision`` mesh of a URDF with one link."""
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
