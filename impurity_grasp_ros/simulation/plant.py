"""The simulated arm and gripper as what an emulated controller moves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import T_BASE_CONTROLLER
from impurity_grasp_ros.simulation.environment import Environment
from ur_emulator.plant import Measurement


class BulletArm:
    """``ArmPlant`` protocol: time in the simulated world passes with the controller's cycles."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._surplus = 0.0
        self._joints = environment.arm.joint_positions()
        self._commanded: NDArray[np.float64] = np.full(6, np.nan)

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measurement:
        """Simulate as many steps as have become due."""
        environment, step = self._environment, self._environment.config.physics.time_step
        if not np.array_equal(joints, self._commanded):
            environment.arm.servo(joints)
            self._commanded = joints
        self._surplus += duration
        due = int(self._surplus / step)
        if due:
            self._surplus -= due * step
            environment.world.step(due)
        measured = environment.arm.joint_positions()
        speeds, self._joints = (measured - self._joints) / duration, measured
        force = T_BASE_CONTROLLER[:3, :3].T @ environment.arm.tool_force()
        return Measurement(measured, speeds, force, joints)


class BulletFingers:
    """``FingerPlant`` protocol: their time passes with the arm's."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def start(self, opening: float, speed: float) -> None:
        """Move towards an opening, as fast as the simulated gripper does."""
        self._environment.gripper.start_motion(opening)

    def advance(self, duration: float) -> None:
        """Nothing: the world's steps are the arm's."""

    def opening(self) -> float:
        """Distance between the pads in metres."""
        return self._environment.gripper.opening()

    def is_moving(self) -> bool:
        """Whether the fingers make progress."""
        return self._environment.gripper.is_moving()
