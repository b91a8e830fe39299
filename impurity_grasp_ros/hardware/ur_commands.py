"""The commands that the driver's program on a UR controller understands, as ur_rtde sends them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_state import NOT_RUNNING


class UrCommands:
    """The commands of the program. The parent process can request any public method.

    Args:
        library: ``rtde_control.RTDEControlInterface``, connected.
        config: Settings of the driver.
    """

    def __init__(self, library: Any, config: UrConfig) -> None:
        self.library = library
        self._config = config
        self._lock = threading.Lock()
        self._motions = 0
        self._moving = False
        self._finished = -1

    def progress(self) -> tuple[int, bool]:
        """The number of motions that were started, and whether the last one is in progress."""
        with self._lock:
            self._moving = self._moving and self.library.isProgramRunning() and not self._has_finished()
            return self._motions, self._moving

    def start_joint_motion(self, joints: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in joint space.

        Args:
            joints: Six target angles in radians.
            speed: Speed of the leading axis in rad/s.
            acceleration: Acceleration of the leading axis in rad/s2.

        Returns:
            The number of the motion.

        Raises:
            RuntimeError: The controller refused.
        """
        return self._start(lambda: self.library.moveJ(joints, speed, acceleration, True))

    def start_linear_motion(self, pose: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in Cartesian space.

        Args:
            pose: Target position in meters and rotation vector in radians, in the controller's base frame.
            speed: Speed of the tool in m/s.
            acceleration: Acceleration of the tool in m/s2.

        Returns:
            The number of the motion.

        Raises:
            ValueError: The pose violates safety limits.
            RuntimeError: The controller refused, or did not answer.
        """
        if not self._confirmed(lambda: self.library.isPoseWithinSafetyLimits(pose)):
            raise ValueError(f"expected a pose within the safety limits, received {pose}")
        self.library.kickWatchdog()
        return self._start(lambda: self.library.moveL(pose, speed, acceleration, True))

    def inverse_kinematics(self, pose: list[float], near: list[float]) -> list[float] | None:
        """Solve the inverse kinematics.

        Args:
            pose: Position in meters and rotation vector in radians, in the controller's base frame.
            near: Six angles in radians to which the solution should be close.

        Returns:
            Six angles in radians; None if there is no solution.

        Raises:
            RuntimeError: The controller did not answer.
        """
        if not self._confirmed(lambda: self.library.getInverseKinematicsHasSolution(pose, near)):
            return None
        self.library.kickWatchdog()
        joints = list(self.library.getInverseKinematics(pose, near))
        if len(joints) != 6:
            raise RuntimeError(f"expected six joint angles from the controller, received {joints}")
        return joints

    def set_payload(self, mass: float, center: list[float]) -> None:
        """Set the payload.

        Args:
            mass: Mass in kg.
            center: Center of gravity, three coordinates in meters from the flange.

        Raises:
            RuntimeError: The controller refused.
        """
        if not self.library.setPayload(mass, center):
            raise RuntimeError(f"expected the controller to accept a payload of {mass} kg, it did not")

    def stop(self) -> None:
        """Stop the arm, without waiting for it, because the watchdog has to be kicked meanwhile."""
        with self._lock:
            self._moving = False
        self.library.stopJ(self._config.stop_deceleration, True)

    def _confirmed(self, question: Callable[[], bool]) -> bool:
        """Whether the controller says yes; asked twice, since the library also says no if no answer has arrived.

        Raises:
            RuntimeError: The program that answers is not running.
        """
        if question():
            return True
        self.library.kickWatchdog()
        if question():
            return True
        if not self.library.isProgramRunning():
            raise RuntimeError(f"expected the controller to answer, {NOT_RUNNING}")
        return False

    def _start(self, command: Callable[[], bool]) -> int:
        with self._lock:
            self._finished = self.library.getAsyncOperationProgress()
        if not command():
            raise RuntimeError("expected the controller to start the motion, it refused")
        with self._lock:
            self._moving = True
            self._motions += 1
            return self._motions

    def _has_finished(self) -> bool:
        """Whether the motion has ended: by the library's rule, progress is negative and differs from that before it."""
        progress = self.library.getAsyncOperationProgress()
        return bool(progress < 0 and progress != self._finished)
