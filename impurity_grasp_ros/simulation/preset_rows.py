"""Entries of presets: one object each, of any shape (docs/scenes.md)."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from impurity_grasp_ros.config import parameter, parameter_specs
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.meshes import filled_shares, load_mesh
from impurity_grasp_ros.simulation.objects import Solid, cuboid, cylinder, half_cylinder, triangle

MIN_EDGE, MAX_EDGE = 0.005, 0.3
"""Range of the edges of an object's bounding box, meters."""

MIN_FILLED = 0.9
"""Share of its convex hull that a part of a mesh has to fill; in collision it is that hull."""


@dataclass(frozen=True)
class ObjectRow(ABC):
    """One entry of ``objects``: what it specifies for any shape."""

    color: str = parameter("#rrggbb")
    target: bool = parameter("whether it is an impurity")
    position: tuple[float, float, float] = parameter("m, base frame", low=-2.0, high=2.0)
    rpy: tuple[float, float, float] = parameter("rad about the base frame's fixed x, y, z", low=-6.3, high=6.3)

    @abstractmethod
    def solid(self, folder: Path) -> Solid:
        """Make the solid; ``folder`` is that of the preset, to which file names are relative."""


@dataclass(frozen=True)
class PhysicsRow:
    """What an entry of any shape may specify besides; the rest is that of the simulation's configuration."""

    mass: float = parameter("kg", low=0.001, high=5.0)
    density: float = parameter("kg/m3", low=10.0, high=20000.0)
    friction: float = parameter(
        "Coulomb coefficient between two such objects; other contacts have the geometric mean", low=0.0, high=2.0
    )


@dataclass(frozen=True)
class CuboidRow(ObjectRow):
    """A box."""

    width: float = parameter("m, along x", low=MIN_EDGE, high=MAX_EDGE)
    depth: float = parameter("m, along y", low=MIN_EDGE, high=MAX_EDGE)
    height: float = parameter("m, along z", low=MIN_EDGE, high=MAX_EDGE)

    def solid(self, folder: Path) -> Solid:
        """A cuboid."""
        return cuboid(self.width, self.depth, self.height)


@dataclass(frozen=True)
class TriangleRow(CuboidRow):
    """A prism on an isosceles triangle."""

    def solid(self, folder: Path) -> Solid:
        """A triangular prism with its base along x and its apex toward +y."""
        return triangle(self.width, self.depth, self.height)


@dataclass(frozen=True)
class CylinderRow(ObjectRow):
    """An upright cylinder."""

    diameter: float = parameter("m", low=MIN_EDGE, high=MAX_EDGE)
    height: float = parameter("m, along z", low=MIN_EDGE, high=MAX_EDGE)

    def solid(self, folder: Path) -> Solid:
        """A cylinder."""
        return cylinder(self.diameter, self.height)


@dataclass(frozen=True)
class HalfCylinderRow(CylinderRow):
    """Half of an upright cylinder."""

    def solid(self, folder: Path) -> Solid:
        """A half cylinder with its flat side toward -y."""
        return half_cylinder(self.diameter, self.height)


@dataclass(frozen=True)
class MeshRow(ObjectRow):
    """A mesh from a file."""

    file: str = parameter("OBJ or URDF file, relative to the preset")
    scale: float = parameter("factor from the file's unit to meters", low=1e-6, high=1e3)

    def solid(self, folder: Path) -> Solid:
        """Load the mesh.

        Raises:
            ConfigError: The file is no valid mesh, its size is out of range, or one of its parts is concave.
        """
        mesh = load_mesh(folder / self.file).scaled(self.scale)
        if not MIN_EDGE <= min(mesh.size) <= max(mesh.size) <= MAX_EDGE:
            size = " x ".join(f"{edge:.4g}" for edge in mesh.size)
            raise ConfigError(f"scale: expected edges of {MIN_EDGE} to {MAX_EDGE} m, received {size} m")
        for number, share in enumerate(filled_shares(mesh.file), 1):
            if share < MIN_FILLED:
                raise ConfigError(
                    f"file: expected closed convex parts, part {number} of {mesh.file.name} fills {100 * share:.0f} % "
                    "of its convex hull; split it into convex parts, each an object of the file (for example with "
                    "CoACD)"
                )
        return mesh


ROWS: dict[str, type[ObjectRow]] = {
    "cuboid": CuboidRow,
    "cylinder": CylinderRow,
    "half_cylinder": HalfCylinderRow,
    "triangle": TriangleRow,
    "mesh": MeshRow,
}


PHYSICS = {spec.name: spec for spec in parameter_specs(PhysicsRow)}


def physics_of(values: Mapping[str, Any], where: str) -> dict[str, float]:
    """The values of an entry that :class:`PhysicsRow` describes."""
    if "mass" in values and "density" in values:
        raise ConfigError(f"{where}: expected either mass or density, received both")
    return {
        name: replace(spec, name=f"{where}.{name}").check(values[name])
        for name, spec in PHYSICS.items()
        if name in values
    }
