"""Where the tool is and how fast it moves, each computed once: several variables of several clients ask for it."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import flange_pose, nearest_solution, tool_of
from impurity_grasp_ros.transform import Transform, inverse
from ur_emulator.poses import Pose, to_pose

REMEMBERED = 4
"""Arrays of joint angles whose poses are kept: commanded and measured, now and a cycle ago."""


class Tool:
    """The active tool on the flange. Arrays of joint angles are told apart by identity: nobody changes them."""

    def __init__(self) -> None:
        self._T_flange_tool: Transform = np.eye(4)
        self._places: deque[tuple[NDArray[np.float64], Transform, Pose]] = deque(maxlen=REMEMBERED)

    @property
    def T_flange_tool(self) -> Transform:
        """Where the tool centre point is on the flange."""
        return self._T_flange_tool

    @T_flange_tool.setter
    def T_flange_tool(self, transform: Transform) -> None:
        self._T_flange_tool = transform
        self._places.clear()

    def transform(self, joints: NDArray[np.float64]) -> Transform:
        """``T_controller_tool`` of joint angles (6,) in rad."""
        return self._place(joints)[0]

    def pose(self, joints: NDArray[np.float64]) -> Pose:
        """The same as a pose."""
        return self._place(joints)[1]

    def speed(self, before: NDArray[np.float64], joints: NDArray[np.float64], cycle: float) -> NDArray[np.float64]:
        """Speed (6,) in m/s and rad/s, controller's base, between joint angles (6,) a cycle in seconds apart."""
        if before is joints:
            return np.zeros(6)
        T_before, T_now = self.transform(before), self.transform(joints)
        turn = T_now[:3, :3] @ T_before[:3, :3].T
        small = 0.5 * np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        return np.concatenate([T_now[:3, 3] - T_before[:3, 3], small]) / cycle

    def joints_at(self, T_controller_tool: Transform, near: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """The joint angles (6,) closest to others that lead to a pose, or None."""
        return nearest_solution(tool_of(T_controller_tool @ inverse(self._T_flange_tool)), near)

    def _place(self, joints: NDArray[np.float64]) -> tuple[Transform, Pose]:
        for known, transform, pose in self._places:
            if known is joints:
                return transform, pose
        transform = flange_pose(joints) @ self._T_flange_tool
        self._places.append((joints, transform, to_pose(transform)))
        return self._places[-1][1:]
