"""Block library: shapes and colors of the blocks in a scene, read from ``config/blocks.yaml``."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from impurity_grasp_ros.config import from_mapping, parameter, read_yaml, shown
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.meshes import NO_MESHES, MeshRange, random_mesh
from impurity_grasp_ros.simulation.objects import Block, Solid, cuboid, cylinder, half_cylinder, triangle

LIBRARY_FILE = "config/blocks.yaml"

BUILDERS = {
    "cuboid": cuboid,
    "cylinder": lambda width, depth, height: cylinder(width, height),
    "half_cylinder": lambda width, depth, height: half_cylinder(width, height),
    "triangle": triangle,
}


@dataclass(frozen=True)
class ShapeRange:
    """Range of dimensions of one kind of shape. ``width`` is the diameter of round shapes, which ignore ``depth``."""

    weight: float = parameter("relative frequency", low=0.0, high=1e3)
    width: tuple[float, float] = parameter("m, range of the width", low=0.005, high=0.2)
    depth: tuple[float, float] = parameter("m, range of the depth", low=0.005, high=0.2)
    height: tuple[float, float] = parameter("m, range of the height", low=0.005, high=0.2)


@dataclass(frozen=True)
class Palette:
    """Colors of one scene as #rrggbb."""

    ordinary: tuple[str, ...] = parameter("colors of ordinary blocks")
    target: str = parameter("color of the targets")

    def paint(self, shape: Solid, target: bool, rng: np.random.Generator) -> Block:
        """Make a block of a shape: the target color for a target, otherwise a random ordinary color."""
        name = self.target if target else self.ordinary[rng.integers(len(self.ordinary))]
        return Block(shape, rgb(name), target, "target" if target else "ordinary")


@dataclass(frozen=True)
class BlockLibrary:
    """All shapes and palettes.

    Attributes:
        shapes: Ranges of dimensions by kind of shape.
        palettes: Palettes by name.
        meshes: Meshes from files that replace some or all of the shapes.
    """

    shapes: Mapping[str, ShapeRange]
    palettes: Mapping[str, Palette]
    meshes: MeshRange = NO_MESHES

    def palette(self, name: str) -> Palette:
        """The palette of this name.

        Raises:
            ConfigError: The name is unknown.
        """
        if name not in self.palettes:
            raise ConfigError(f"expected a palette out of {', '.join(self.palettes)}, received {name!r}")
        return self.palettes[name]

    def random_shape(self, rng: np.random.Generator) -> Solid:
        """Draw a mesh with probability ``meshes.share``, otherwise a shape by weight and range of dimensions.

        Raises:
            ConfigError: Hardly any mesh meets the bounds of ``meshes``.
        """
        if self.meshes.share > 0.0 and rng.random() < self.meshes.share:
            return random_mesh(self.meshes, rng)
        kinds = list(self.shapes)
        weights = np.array([self.shapes[kind].weight for kind in kinds])
        kind = kinds[rng.choice(len(kinds), p=weights / weights.sum())]
        bounds = self.shapes[kind]
        return BUILDERS[kind](rng.uniform(*bounds.width), rng.uniform(*bounds.depth), rng.uniform(*bounds.height))


def rgb(color: str) -> tuple[float, float, float]:
    """Convert a color in the form #rrggbb to RGB in 0..1.

    Raises:
        ConfigError: The color is not of this form.
    """
    try:
        if len(color) != 7 or color[0] != "#":
            raise ValueError
        r, g, b = bytes.fromhex(color[1:])
    except ValueError:
        raise ConfigError(f"expected a color as #rrggbb, received {color!r}") from None
    return r / 255, g / 255, b / 255


def shipped_library() -> BlockLibrary:
    """Load the library of ``config/blocks.yaml``.

    Raises:
        ConfigError: The file is missing or invalid.
    """
    content = read_yaml(LIBRARY_FILE)
    return BlockLibrary(
        shape_ranges(content["shapes"], LIBRARY_FILE),
        {name: from_mapping(Palette, values, f"palettes.{name}.") for name, values in content["palettes"].items()},
    )


def shape_ranges(values: Mapping[str, Any], place: str) -> dict[str, ShapeRange]:
    """Read ranges of dimensions by kind of shape.

    Args:
        values: A mapping for each kind.
        place: Where they come from, for messages.

    Raises:
        ConfigError: A kind is unknown, or its values are invalid.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{place}: shapes: expected a mapping, received {shown(values)}")
    if unknown := sorted(map(str, set(values) - set(BUILDERS))):
        raise ConfigError(f"{place}: unknown shape {unknown[0]}, expected one of {', '.join(BUILDERS)}")
    return {kind: from_mapping(ShapeRange, item, f"{place}: shapes.{kind}.") for kind, item in values.items()}
