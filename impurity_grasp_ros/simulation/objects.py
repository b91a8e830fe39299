"""Blocks: the protocol of all solids, and convex prisms (2.5 to 6 cm in the shipped scenes) in any color."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Protocol

import numpy as np
import pybullet
from numpy.typing import NDArray

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.materials import Coat
from impurity_grasp_ros.simulation.skins import Skin, lay_image, load_image
from impurity_grasp_ros.simulation.world import World, own_friction

ROUND_SEGMENTS = 24
"""Number of corners that approximate a full circle."""

TEXTURE_TILE = 0.04
"""Edge of one repetition of a texture on a surface, meters."""

WHITE = (1.0, 1.0, 1.0)

Facets = tuple[NDArray[np.float64], NDArray[np.intp], NDArray[np.float64]]
"""Triangles with flat shading: vertices (n, 3) in meters, vertex indices (m,) of the triangles, normals (n, 3)."""


class Solid(Protocol):
    """The solid of a block: a prism (:class:`Shape`), a mesh from a file (:class:`.meshes.MeshShape`) or convex hulls.

    All coordinates are in meters in the block's own frame, whose origin is the center of its volume.
    """

    @property
    def kind(self) -> str:
        """Name of the kind of solid."""
        ...

    @property
    def volume(self) -> float:
        """Volume in m3."""
        ...

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners (n, 3) of its convex hull."""
        ...

    @property
    def rolls(self) -> bool:
        """Whether it can roll and therefore needs rolling friction."""
        ...

    def facets(self) -> Facets:
        """Its visible surface; every face has its own vertices, so that normals are not interpolated."""
        ...

    def collision(self, world: World) -> int:
        """Create its collision shape in a world; returns the engine's handle."""
        ...


@dataclass(frozen=True)
class Shape:
    """An upright prism.

    Attributes:
        kind: Name of the kind of shape.
        outline: (n, 2) corners of the base, counterclockwise, meters from its centroid.
        height: Height in meters.
    """

    kind: str
    outline: tuple[tuple[float, float], ...]
    height: float

    @property
    def area(self) -> float:
        """Area of the base in m2."""
        return _area(np.array(self.outline))

    @property
    def volume(self) -> float:
        """Volume in m3."""
        return self.area * self.height

    @property
    def radius(self) -> float:
        """Distance from the centroid to the farthest corner of the outline, meters."""
        return float(np.linalg.norm(np.array(self.outline), axis=1).max())

    @property
    def corners(self) -> NDArray[np.float64]:
        """Corners (2 n, 3) in meters, bottom side first."""
        outline, half = np.array(self.outline), self.height / 2
        return np.concatenate([np.column_stack([outline, np.full(len(outline), z)]) for z in (-half, half)])

    @property
    def rolls(self) -> bool:
        """Whether it has a curved side."""
        return "cylinder" in self.kind

    def facets(self) -> Facets:
        """Triangles of the ends and sides."""
        count, (bottom, top) = len(self.outline), np.split(self.corners, 2)
        faces = [top, bottom[::-1]]
        faces += [np.array([bottom[i], bottom[(i + 1) % count], top[(i + 1) % count], top[i]]) for i in range(count)]
        vertices, indices, normals = [], [], []
        offset = 0
        for face in faces:
            normal = np.cross(face[1] - face[0], face[2] - face[1])
            fan = [(offset, offset + k, offset + k + 1) for k in range(1, len(face) - 1)]
            vertices.append(face)
            normals.append(np.tile(normal / np.linalg.norm(normal), (len(face), 1)))
            indices.extend(fan)
            offset += len(face)
        return np.concatenate(vertices), np.array(indices).ravel(), np.concatenate(normals)

    def collision(self, world: World) -> int:
        """Create a convex hull, or a box for a cuboid, which is faster; returns the engine's handle.

        A cylinder is a hull, too, because the engine's own cylinder has too few contact points at its ends.
        """
        if self.kind == "cuboid":
            half = [*np.abs(self.outline[0]).tolist(), self.height / 2]
            return int(world.bullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half))
        hull = np.unique(self.facets()[0], axis=0)
        return int(world.bullet.createCollisionShape(pybullet.GEOM_MESH, vertices=hull.tolist()))


def cuboid(width: float, depth: float, height: float) -> Shape:
    """Box with edges along x, y and z, in meters."""
    x, y = width / 2, depth / 2
    return _prism("cuboid", [(-x, -y), (x, -y), (x, y), (-x, y)], height)


def cylinder(diameter: float, height: float) -> Shape:
    """Upright cylinder; dimensions in meters."""
    angles = np.linspace(0.0, 2 * math.pi, ROUND_SEGMENTS, endpoint=False)
    return _prism("cylinder", [(diameter / 2 * math.cos(a), diameter / 2 * math.sin(a)) for a in angles], height)


def half_cylinder(diameter: float, height: float) -> Shape:
    """Half of an upright cylinder with its flat side toward -y; dimensions in meters."""
    angles = np.linspace(0.0, math.pi, ROUND_SEGMENTS // 2 + 1)
    return _prism("half_cylinder", [(diameter / 2 * math.cos(a), diameter / 2 * math.sin(a)) for a in angles], height)


def triangle(width: float, depth: float, height: float) -> Shape:
    """Prism on an isosceles triangle with base ``width`` along x and apex toward +y; dimensions in meters."""
    return _prism("triangle", [(-width / 2, 0.0), (width / 2, 0.0), (0.0, depth)], height)


def _prism(kind: str, outline: list[tuple[float, float]], height: float) -> Shape:
    points = np.array(outline)
    if not (np.isfinite(points).all() and 0.0 < height < math.inf and _area(points) > 0.0):
        raise ConfigError(f"expected positive dimensions of a {kind}, received outline {outline} and height {height}")
    centered = points - _centroid(points)
    return Shape(kind, tuple((float(x), float(y)) for x, y in centered), float(height))


def _area(outline: NDArray[np.float64]) -> float:
    x, y = outline.T
    return float(np.sum(x * np.roll(y, -1) - np.roll(x, -1) * y) / 2)


def _centroid(outline: NDArray[np.float64]) -> NDArray[np.float64]:
    following = np.roll(outline, -1, axis=0)
    weights = outline[:, 0] * following[:, 1] - following[:, 0] * outline[:, 1]
    return ((outline + following) * weights[:, None]).sum(axis=0) / (3 * weights.sum())


@dataclass(frozen=True)
class Block:
    """A colored solid.

    Attributes:
        shape: The solid.
        color: RGB, 0..1; the mean color of a block with a coat.
        target: Whether it is one of the impurities.
        kind: Name of the kind of object: blocks of one kind are alike.
        coat: What its surface looks like; None for its color alone.
        skin: An image on its surface, which is multiplied by the color; None for none.
        density: kg/m3; None for that of the simulation's configuration.
        friction: Coulomb coefficient between two such blocks; None for that of the configuration.
    """

    shape: Solid
    color: tuple[float, float, float]
    target: bool
    kind: str = "ordinary"
    coat: Coat | None = None
    skin: Skin | None = None
    density: float | None = None
    friction: float | None = None


def spawn(world: World, block: Block, position: NDArray[np.float64], orientation: NDArray[np.float64]) -> int:
    """Add a block to the world.

    Args:
        world: The world.
        block: The block.
        position: (3,) center of its volume, meters in the base frame.
        orientation: (4,) quaternion (x, y, z, w).

    Returns:
        The body.
    """
    vertices, indices, normals = block.shape.facets()
    visual = world.bullet.createVisualShape(
        pybullet.GEOM_MESH,
        vertices=vertices.tolist(),
        indices=indices.tolist(),
        normals=normals.tolist(),
        uvs=(block.skin.coordinates if block.skin else texture_coordinates(vertices, normals)).tolist(),
        rgbaColor=[*(WHITE if block.coat else block.color), 1.0],
        specularColor=[0.0, 0.0, 0.0],
    )
    mass = (world.config.density if block.density is None else block.density) * block.shape.volume
    collision = block.shape.collision(world)
    body = world.add_body(mass, collision, visual, position, orientation, rolls=block.shape.rolls)
    if block.friction is not None:
        world.bullet.changeDynamics(body, -1, lateralFriction=own_friction(block.friction))
    if block.coat is not None:
        world.coats[body] = block.coat
    if block.skin is not None:
        lay_image(world, body, load_image(world, block.skin.image))
    return body


def texture_coordinates(vertices: NDArray[np.float64], normals: NDArray[np.float64]) -> NDArray[np.float64]:
    """Texture coordinates (n, 2) that project a texture along the axis closest to each face's normal.

    No coordinate is negative, because the software renderer does not repeat textures below zero.
    """
    across = np.argsort(np.abs(normals), axis=1)[:, :2]
    across.sort(axis=1)
    return np.take_along_axis(vertices - vertices.min(axis=0), across, axis=1) / TEXTURE_TILE
