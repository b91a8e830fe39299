"""An actor in a package of its own: it grasps whatever is highest where the attention points.

pip install examples/own_actor
impurity-grasp benchmark --policy top-down --scene random --episodes 5
ros2 run impurity_grasp policy_node --ros-args -p actor:=top-down
"""

from collections.abc import Sequence

import numpy as np

from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap, Primitive
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.actors import PolicyConfig

DEPTH = 0.02
"""Meters that the finger tips reach below the highest point."""


class TopDown:
    """``Actor`` protocol."""

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Grasp the highest cell of the attention's mask, turned by one step after every failure."""
        height = np.where(attention.mask, attention.crop.height, -1.0)
        row, column = np.unravel_index(int(height.argmax()), height.shape)
        x, y = attention.crop.grid.to_meters(float(row), float(column))
        z = max(float(height[row, column]) - DEPTH, 0.002)
        return Primitive.grasp((x, y, z), angle=len(history) * np.pi / 8)


def make(config: PolicyConfig, gripper: GripperModel) -> TopDown:
    """What the entry point names. config: parameters of ``policy_node``."""
    return TopDown()
