"""An arm that is where it was told to go at once, and remembers what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from grippers import KINEMATICS

from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform


@dataclass
class RecordingArm:
    """commands: names of motions in order. places: joint angles after each."""

    joints: JointPositions
    commands: list[str] = field(default_factory=list)
    places: list[JointPositions] = field(default_factory=list)

    def joint_positions(self) -> JointPositions:
        return self.joints

    def tool_pose(self) -> Transform:
        return KINEMATICS.forward(self.joints)

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        return KINEMATICS.nearest(T_base_tool, self.joints)

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        self._go("joint", joints)

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        joints = self.inverse_kinematics(T_base_tool)
        assert joints is not None
        self._go("linear", joints)

    def is_moving(self) -> bool:
        return False

    def _go(self, command: str, joints: JointPositions) -> None:
        self.commands.append(command)
        self.places.append(joints)
        self.joints = np.asarray(joints)
