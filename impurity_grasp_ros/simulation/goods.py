"""Families of goods: each draws the kinds of objects of one scene, an odd one among them. Scene files name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.assortments import Assortment, Kind
from impurity_grasp_ros.simulation.materials import Color, Material
from impurity_grasp_ros.simulation.shapes import Form
from impurity_grasp_ros.simulation.training_goods import training

Family = Callable[[np.random.Generator], Assortment]


@dataclass(frozen=True)
class GoodsConfig:
    """Which goods a scene consists of, instead of blocks of one color."""

    family: str = parameter("name of a family of goods; empty for blocks", choices=())

    def __post_init__(self) -> None:
        """Check the name."""
        if self.family and self.family not in FAMILIES:
            raise ConfigError(f"family: expected one of {', '.join(FAMILIES)}, received {self.family!r}")

    def assortment(self, rng: np.random.Generator) -> Assortment | None:
        """Draw the kinds of objects of a scene; None for blocks."""
        return FAMILIES[self.family](rng) if self.family else None


def coal_slate(rng: np.random.Generator) -> Assortment:
    """Lumps of coal, and plates of slate that are 1.4 to 2 times as bright."""
    gray, ratio = rng.uniform(0.15, 0.20), rng.uniform(1.5, 2.0)
    coal = Material("cells", (_gray(gray * 0.85), _gray(gray * 1.15)), 0.004, 1.0, 0.25, 0.02, 0.35)
    layers = _gray(gray * ratio * 0.72, -0.02), _gray(gray * ratio * 1.28, 0.02)
    slate = Material("sediment", layers, 0.006, 1.0, 0.25, 0.02)
    return Assortment((Kind("coal", Form("rock", 0.042, 0, 0.2), coal),), (Kind("slate", Form("plate", 0.044), slate),))


def _gray(value: float, blue: float = 0.0) -> Color:
    return value - blue / 2, value, value + blue


FAMILIES: Mapping[str, Family] = {"coal_slate": coal_slate, "training": training}
"""Families by name."""

NO_GOODS = GoodsConfig("")
