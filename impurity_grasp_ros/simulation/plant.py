"""The simulated arm and gripper as the plant of an emulated controller."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import T_BASE_CONTROLLER
from impurity_grasp_ros.simulation.environment import Environment
from ur_emulator.plant import Measurement


class BulletArm:
    """``ArmPlant`` protocol: the controller's cycles advance the simulated time."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._surplus = 0.0
        self._joints = environment.arm.joint_positions()
        self._commanded: NDArray[np.float64] = np.full(6, np.nan)

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measurement:
        """Command joint angles and simulate all steps that are due.

        Args:
            joints: (6,) commanded joint angles, radians.
            duration: Duration of the controller cycle, seconds.

        Returns:
            Measured joint angles and speeds, and the force at the tool in the controller's base frame.
        """
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
    """``FingerPlant`` protocol: :class:`BulletArm` advances the time of both."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment

    def start(self, opening: float, speed: float) -> None:
        """Start moving to an opening in meters, at the speed of the simulated gripper; ``speed`` is ignored."""
        self._environment.gripper.start_motion(opening)

    def advance(self, duration: float) -> None:
        """Do nothing: the arm advances the time."""

    def opening(self) -> float:
        """Distance between the pads in meters."""
        return self._environment.gripper.opening()

    def is_moving(self) -> bool:
        """Whether the fingers are still making progress."""
        return self._environment.gripper.is_moving()
