"""Procedural shapes: generators of solids, divided into those of training scenes and those of measured ones.

A *form* is what the pieces of one kind of object have in common. Its pieces differ from each other as pieces do:
sawn boxes hardly, broken rocks a lot. The shorter edges of a piece fit between the fingers.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.hulls import HullSolid
from impurity_grasp_ros.simulation.measured_shapes import MEASURED_SHAPES
from impurity_grasp_ros.simulation.shape_points import Maker
from impurity_grasp_ros.simulation.training_shapes import COMMON_SHAPES, TRAINING_SHAPES

MAKERS: Mapping[str, Maker] = {**COMMON_SHAPES, **TRAINING_SHAPES, **MEASURED_SHAPES}


@dataclass(frozen=True)
class Form:
    """What the shapes of one kind of object have in common.

    Attributes:
        maker: Name of a generator of this module.
        size: Middle one of the three edges of the bounding box, meters.
        seed: Seed of the proportions that all pieces share.
        spread: Largest relative deviation of a piece's size.
    """

    maker: str
    size: float
    seed: int = 0
    spread: float = 0.08

    def __post_init__(self) -> None:
        """Check the name."""
        if self.maker not in MAKERS:
            raise ConfigError(f"expected a shape out of {', '.join(MAKERS)}, received {self.maker!r}")

    def piece(self, rng: np.random.Generator) -> HullSolid:
        """Make one piece."""
        size = self.size * (1.0 + self.spread * rng.uniform(-1.0, 1.0))
        return MAKERS[self.maker](np.random.default_rng(self.seed), rng, size)
