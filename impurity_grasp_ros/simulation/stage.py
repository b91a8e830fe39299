"""Where a layout puts the blocks of a scene, and what it draws them from."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.simulation.assortments import Assortment
from impurity_grasp_ros.simulation.library import BlockLibrary, Palette
from impurity_grasp_ros.simulation.objects import Block, Solid, spawn
from impurity_grasp_ros.simulation.world import World

DROP_GAP = 5e-4
"""Gap in meters under a block that is put down, so that it does not start in contact."""


@dataclass
class Stage:
    """A world to put blocks into; x and y are relative to the center of the workspace.

    Attributes:
        world: The world to put them into.
        middle: Center (x, y) of the workspace, meters in the base frame.
        library: Shapes to draw from.
        palette: Colors to draw from.
        rng: Source of all random choices.
        placed: The blocks by body, filled by :meth:`put`.
        goods: Kinds of objects that replace shapes and colors; None for blocks.
    """

    world: World
    middle: tuple[float, float]
    library: BlockLibrary
    palette: Palette | None
    rng: np.random.Generator
    placed: dict[int, Block]
    goods: Assortment | None = None

    def draw(self, target: bool) -> Solid | Block:
        """Draw a shape, or a whole object if the scene consists of goods."""
        if self.goods is None:
            return self.library.random_shape(self.rng)
        return self.goods.draw(target, self._count(target), self.rng)

    def put(self, item: Solid | Block, target: bool, position: tuple[float, float, float], rotation: Rotation) -> int:
        """Add a block.

        Args:
            item: Its shape, or all of it.
            target: Whether it is a target.
            position: Its center of volume, meters; x and y relative to the center of the workspace.
            rotation: Its orientation.

        Returns:
            The body.
        """
        block = item if isinstance(item, Block) else self._finished(item, target)
        x, y, z = position
        p_base = np.array([x + self.middle[0], y + self.middle[1], z])
        body = spawn(self.world, block, p_base, rotation.as_quat())
        self.placed[body] = block
        return body

    def put_upright(self, item: Solid | Block, target: bool, x: float, y: float, floor: float, yaw: float) -> int:
        """Put a block down at height ``floor`` (meters), rotated by ``yaw`` (radians); returns the body."""
        z = floor - float(solid_of(item).corners[:, 2].min()) + DROP_GAP
        return self.put(item, target, (x, y, z), yaw_rotation(yaw))

    def _finished(self, shape: Solid, target: bool) -> Block:
        """Give a shape a color or a material."""
        if self.goods is not None:
            return self.goods.clad(shape, target, self._count(target), self.rng)
        assert self.palette is not None
        return self.palette.paint(shape, target, self.rng)

    def _count(self, target: bool) -> int:
        return sum(block.target == target for block in self.placed.values())


def solid_of(item: Solid | Block) -> Solid:
    """The shape of a block, or the shape itself."""
    return item.shape if isinstance(item, Block) else item


def yaw_rotation(yaw: float) -> Rotation:
    """Rotation by ``yaw`` radians about z."""
    return Rotation.from_euler("z", yaw)
