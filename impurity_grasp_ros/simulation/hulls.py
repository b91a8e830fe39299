"""Solids of one or more convex parts, given by points."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pybullet
from numpy.typing import NDArray
from scipy.spatial import ConvexHull

from impurity_grasp_ros.simulation.objects import Facets
from impurity_grasp_ros.simulation.world import World

MAX_COLLISION_POINTS = 64
"""Corners of a convex part in collision; more cost time in every step and change the part by less than a millimeter."""

Points = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class HullSolid:
    """A solid whose collision shape is one or more convex hulls. It fulfills the protocol :class:`.objects.Solid`.

    Attributes:
        kind: Name of the kind of shape.
        parts: Corners (n, 3) of each convex part, meters from the center of volume.
        surface: The visible triangles.
        corners: (k, 3) corners of the hull of all parts.
        volume: Sum of the volumes of the parts, m3.
        rolls: Whether it can roll.
    """

    kind: str
    parts: tuple[Points, ...]
    surface: Facets
    corners: Points
    volume: float
    rolls: bool

    @property
    def half_size(self) -> Points:
        """Half edges (3,) of the box around it that is centered at the origin, meters."""
        return np.asarray(np.abs(self.corners).max(axis=0))

    def facets(self) -> Facets:
        """Its visible surface. Normals of curved surfaces are interpolated."""
        return self.surface

    def collision(self, world: World) -> int:
        """Create the hulls of all parts; returns the engine's handle."""
        parts = [_thinned(part) for part in self.parts]
        if len(parts) == 1:
            return int(world.bullet.createCollisionShape(pybullet.GEOM_MESH, vertices=parts[0].tolist()))
        with tempfile.TemporaryDirectory() as folder:  # the engine takes several hulls only from a file
            file = Path(folder) / "parts.obj"
            file.write_text(_obj(parts), encoding="ascii")
            return int(world.bullet.createCollisionShape(pybullet.GEOM_MESH, fileName=str(file)))


def hull_solid(
    kind: str,
    parts: Sequence[Points],
    *,
    crease: float = 0.0,
    rolls: bool = True,
    size: float | None = None,
    visible: tuple[Points, NDArray[np.intp]] | None = None,
) -> HullSolid:
    """Make a solid from the points of its convex parts.

    Args:
        kind: Name of the kind of shape.
        parts: Points (n, 3) of each part, in any unit and place.
        crease: Angle in radians between two faces up to which the edge between them is shaded smoothly.
        rolls: Whether it can roll.
        size: The middle one of the three edges of its bounding box, meters; None keeps the points' unit.
        visible: Points (n, 3) and triangles (m, 3) that are seen; None for the hulls themselves.
    """
    hulls = [ConvexHull(part) for part in parts]
    volumes, centers = zip(*[_volume_and_center(hull) for hull in hulls], strict=True)
    center = np.average(centers, axis=0, weights=volumes)
    scale = 1.0
    if size is not None:
        scale = size / float(np.sort(np.ptp(np.concatenate(list(parts)), axis=0))[1])
    corners = tuple((hull.points[hull.vertices] - center) * scale for hull in hulls)
    meshes = [visible] if visible is not None else [(hull.points, _outward(hull)) for hull in hulls]
    surfaces = [surface((points - center) * scale, faces, crease) for points, faces in meshes]
    everything = np.concatenate(corners)
    return HullSolid(
        kind,
        corners,
        _joined(surfaces),
        everything[ConvexHull(everything).vertices],
        float(sum(volumes)) * scale**3,
        rolls,
    )


def surface(points: Points, faces: NDArray[np.intp], crease: float) -> Facets:
    """Triangles (m, 3) of points (n, 3) with normals that are interpolated over edges flatter than ``crease``."""
    a, b, c = points[faces].transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    area = np.linalg.norm(across, axis=1, keepdims=True)
    normals = across / np.maximum(area, 1e-15)
    flat = np.repeat(normals, 3, axis=0)
    if crease > 0.0:
        touches = np.zeros((len(points), len(faces)), np.bool_)
        touches[faces.ravel(), np.repeat(np.arange(len(faces)), 3)] = True
        smooth = touches[faces.ravel()] & np.repeat(normals @ normals.T > np.cos(crease), 3, axis=0)
        flat = smooth @ across
        flat /= np.maximum(np.linalg.norm(flat, axis=1, keepdims=True), 1e-15)
    return points[faces].reshape(-1, 3), np.arange(3 * len(faces)), flat


def _outward(hull: ConvexHull) -> NDArray[np.intp]:
    """Triangles (m, 3) of a hull, counterclockwise as seen from outside."""
    a, b, c = hull.points[hull.simplices].transpose(1, 0, 2)
    inward = (np.cross(b - a, c - a) * hull.equations[:, :3]).sum(axis=1) < 0.0
    faces = hull.simplices.astype(np.intp)
    faces[inward] = faces[inward][:, ::-1]
    return np.asarray(faces)


def _volume_and_center(hull: ConvexHull) -> tuple[float, Points]:
    inside = hull.points[hull.vertices].mean(axis=0)
    faces = hull.points[hull.simplices]
    volumes = np.abs(np.linalg.det(faces - inside)) / 6
    return float(volumes.sum()), np.average((faces.sum(axis=1) + inside) / 4, axis=0, weights=volumes)


def _joined(surfaces: Sequence[Facets]) -> Facets:
    vertices = np.concatenate([surface[0] for surface in surfaces])
    normals = np.concatenate([surface[2] for surface in surfaces])
    return vertices, np.arange(len(vertices)), normals


def _thinned(points: Points) -> Points:
    """At most ``MAX_COLLISION_POINTS`` of the points, those farthest from each other."""
    if len(points) <= MAX_COLLISION_POINTS:
        return points
    chosen = [int(np.argmin(points[:, 2]))]
    distance = np.linalg.norm(points - points[chosen[0]], axis=1)
    while len(chosen) < MAX_COLLISION_POINTS:
        chosen.append(int(np.argmax(distance)))
        distance = np.minimum(distance, np.linalg.norm(points - points[chosen[-1]], axis=1))
    return points[chosen]


def _obj(parts: Sequence[Points]) -> str:
    lines, first = [], 1
    for index, part in enumerate(parts):
        hull = ConvexHull(part)
        lines.append(f"o part{index}")
        lines += [f"v {x:.7f} {y:.7f} {z:.7f}" for x, y, z in part]
        lines += [f"f {a + first} {b + first} {c + first}" for a, b, c in _outward(hull)]
        first += len(part)
    return "\n".join(lines) + "\n"
