"""Pose and speed of the tool center point (TCP). Poses are cached, as several clients read them in every cycle."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import flange_pose, nearest_flange_solution
from impurity_grasp_ros.transform import Transform, inverse
from ur_emulator.poses import Pose, to_pose

CACHE_SIZE = 4
"""Arrays of joint angles whose poses are cached: commanded and measured, of this cycle and the previous one."""


class Tool:
    """The active TCP. The cache compares arrays of joint angles by identity: callers never modify them in place."""

    def __init__(self) -> None:
        self._T_flange_tool: Transform = np.eye(4)
        self._cache: deque[tuple[NDArray[np.float64], Transform, Pose]] = deque(maxlen=CACHE_SIZE)

    @property
    def T_flange_tool(self) -> Transform:
        """Pose of the TCP in the flange frame."""
        return self._T_flange_tool

    @T_flange_tool.setter
    def T_flange_tool(self, transform: Transform) -> None:
        self._T_flange_tool = transform
        self._cache.clear()

    def transform(self, joints: NDArray[np.float64]) -> Transform:
        """Forward kinematics: ``T_controller_tool`` of joint angles, (6,) rad."""
        return self._place(joints)[0]

    def pose(self, joints: NDArray[np.float64]) -> Pose:
        """:meth:`transform` as a pose."""
        return self._place(joints)[1]

    def speed(self, before: NDArray[np.float64], joints: NDArray[np.float64], cycle: float) -> NDArray[np.float64]:
        """Speed of the TCP between two configurations.

        Args:
            before: Joint angles of the previous control cycle, (6,) rad.
            joints: Joint angles now, (6,) rad.
            cycle: Seconds between them.

        Returns:
            Linear and angular velocity, (6,), m/s and rad/s in the controller's base frame.
        """
        if before is joints:
            return np.zeros(6)
        T_before, T_now = self.transform(before), self.transform(joints)
        turn = T_now[:3, :3] @ T_before[:3, :3].T
        small = 0.5 * np.array([turn[2, 1] - turn[1, 2], turn[0, 2] - turn[2, 0], turn[1, 0] - turn[0, 1]])
        return np.concatenate([T_now[:3, 3] - T_before[:3, 3], small]) / cycle

    def joints_at(self, T_controller_tool: Transform, near: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Inverse kinematics: the joint angles, (6,) rad, closest to ``near`` that reach a pose, or None."""
        return nearest_flange_solution(T_controller_tool @ inverse(self._T_flange_tool), near)

    def _place(self, joints: NDArray[np.float64]) -> tuple[Transform, Pose]:
        for cached, transform, pose in self._cache:
            if cached is joints:
                return transform, pose
        transform = flange_pose(joints) @ self._T_flange_tool
        self._cache.append((joints, transform, to_pose(transform)))
        return self._cache[-1][1:]
