"""Kinds of objects, and assortments of them: what a scene of goods consists of."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np

from impurity_grasp_ros.simulation.materials import Material
from impurity_grasp_ros.simulation.objects import Block, Solid
from impurity_grasp_ros.simulation.shapes import Form


class Kind(Protocol):
    """One kind of object."""

    @property
    def name(self) -> str:
        """Its name, unique in an assortment."""
        ...

    def piece(self, target: bool, rng: np.random.Generator) -> Block:
        """Make one piece."""
        ...

    def clad(self, shape: Solid, target: bool, rng: np.random.Generator) -> Block:
        """Make a piece that looks like this kind, with a shape that is given."""
        ...


@dataclass(frozen=True)
class Good:
    """A kind of object whose pieces have the same procedural form and material.

    Attributes:
        name: Its name, unique in an assortment.
        form: What its shapes have in common.
        material: What it is made of.
    """

    name: str
    form: Form
    material: Material

    def piece(self, target: bool, rng: np.random.Generator) -> Block:
        """Make one piece."""
        return self.clad(self.form.piece(rng), target, rng)

    def clad(self, shape: Solid, target: bool, rng: np.random.Generator) -> Block:
        """Make a piece of this material with a shape that is given."""
        half_size = np.abs(shape.corners).max(axis=0)
        coat = self.material.coat(half_size.tolist(), rng)
        return Block(shape, self.material.color, target, self.name, coat)


@dataclass(frozen=True)
class Assortment:
    """The kinds of objects of one scene.

    Attributes:
        ordinary: Kinds of the ordinary objects, which are taken in turn. A kind listed twice is twice as frequent.
        odd: Kinds of the targets, also taken in turn.
        numbers: Numbers of targets and of ordinary objects; None for those of the scene file.
    """

    ordinary: tuple[Kind, ...]
    odd: tuple[Kind, ...]
    numbers: tuple[int | None, int | None] = (None, None)

    def draw(self, target: bool, index: int, rng: np.random.Generator) -> Block:
        """Make a target or an ordinary object; ``index`` counts those of its sort that the scene already has."""
        return self._kind(target, index).piece(target, rng)

    def clad(self, shape: Solid, target: bool, index: int, rng: np.random.Generator) -> Block:
        """Make an object of a shape that is given, as :meth:`draw` does otherwise."""
        return self._kind(target, index).clad(shape, target, rng)

    def _kind(self, target: bool, index: int) -> Kind:
        kinds = self.odd if target else self.ordinary
        return kinds[index % len(kinds)]
