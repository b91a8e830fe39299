"""Families of goods: each draws the kinds of objects of one scene, an odd one among them. Scene files name them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation import measured_goods as measured
from impurity_grasp_ros.simulation.assortments import Assortment
from impurity_grasp_ros.simulation.real_objects import real_objects
from impurity_grasp_ros.simulation.training_goods import training

Family = Callable[[np.random.Generator], Assortment]

MEASURED: Mapping[str, Family] = {
    "coal_slate": measured.coal_slate,
    "mushroom_stone": measured.mushroom_stone,
    "printed": measured.printed,
    "texture": measured.texture,
    "shape": measured.shape,
    "assorted": measured.assorted,
}
"""Families on which perception is measured; none of them uses a pattern or shape of :func:`.training`."""


def nothing_odd(rng: np.random.Generator) -> Assortment:
    """The ordinary kinds of any measured family, and no target unless the caller asks for some."""
    names = list(MEASURED)
    return MEASURED[names[rng.integers(len(names))]](rng)


FAMILIES: Mapping[str, Family] = {
    **MEASURED,
    "nothing_odd": nothing_odd,
    "real_objects": real_objects,
    "training": training,
}
"""Families by name."""


@dataclass(frozen=True)
class GoodsConfig:
    """Which goods a scene consists of, instead of blocks of one color."""

    family: str = parameter("name of a family of goods; empty for blocks")
    min_visible: float = parameter("lower limit of the visible fraction of a target's pixels", low=0.0, high=0.9)

    def __post_init__(self) -> None:
        """Check the name."""
        if self.family and self.family not in FAMILIES:
            raise ConfigError(f"family: expected one of {', '.join(FAMILIES)}, received {self.family!r}")

    def assortment(self, rng: np.random.Generator) -> Assortment | None:
        """Draw the kinds of objects of a scene; None for blocks."""
        return FAMILIES[self.family](rng) if self.family else None


NO_GOODS = GoodsConfig("", 0.0)
