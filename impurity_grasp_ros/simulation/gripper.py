"""Simulated gripper: fingers that move on arcs and stall on the object that they hold."""

from __future__ import annotations

import math

import pybullet

from impurity_grasp_ros.simulation.robot import Robot

STALL_OPENING = 2e-4
"""Largest change of the opening in meters between two checks at which the fingers count as stalled."""

LOST_OPENING = 1.5e-3
"""Motion in meters of stalled fingers beyond which they have lost the object that they held."""

REST_SPEED = 0.01
"""Velocity limit in m/s of fingers that rest at their opening."""

LOOK_INTERVAL = 0.025
"""Seconds between two checks of the fingers' progress."""


class SimulatedGripper:
    """Simulated gripper with the ``Gripper`` protocol. At first its fingers are closed.

    Args:
        robot: The robot that carries the gripper.
        speed: Rate of change of the opening in m/s.
        force: Force per finger in newtons.
    """

    def __init__(self, robot: Robot, *, speed: float, force: float) -> None:
        self._robot = robot
        self._world = robot.world
        self._model = robot.gripper
        self._speed = speed
        self._force = force
        self._moving = False
        self._pressing = 0
        self._last_check = (0.0, 0.0)
        self.jump_to(0.0)
        self._world.before_step(self._press)
        self._world.after_step(self._check_progress)

    def jump_to(self, opening: float) -> None:
        """Place the fingers at rest with an opening in meters, without simulating the motion."""
        angle = self._model.knuckle_travel(opening)
        for joint in (*self._robot.knuckles, *self._robot.finger_tips):
            self._world.bullet.resetJointState(self._robot.body, joint, angle, 0.0)
        self._target = self._stalled_at = opening
        self._command(opening, REST_SPEED)
        self._moving = False

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers until they are ``opening`` meters apart."""
        self._robot.anchor_pads(opening < self.opening())
        self._target = opening
        self._command(opening, self._speed)
        self._moving = True
        self._last_check = (self._world.time, math.inf)

    def is_moving(self) -> bool:
        """Return whether the fingers are still making progress."""
        return self._moving

    def opening(self) -> float:
        """Return the mean distance between the pads in meters."""
        states = self._world.bullet.getJointStates(self._robot.body, self._robot.knuckles)
        return sum(self._model.pad_opening(state[0]) for state in states) / len(states)

    def is_holding(self) -> bool:
        """Return whether the fingers stalled on an object while they were closing."""
        return not self._moving and self.opening() - self._target > LOST_OPENING

    def skip_motion(self) -> None:
        """Jump to the end of the motion and advance simulated time accordingly; call only while they touch nothing."""
        distance = abs(self.opening() - self._target)
        if distance > STALL_OPENING:
            self.jump_to(self._target)
            self._world.skip(distance / self._speed)

    def _command(self, opening: float, speed: float) -> None:
        """Move to an opening in meters, no faster than ``speed`` in m/s."""
        self._pressing = 0
        angle = self._model.knuckle_travel(opening)
        knuckle_speed = speed / (2.0 * self._model.crank * math.cos(self._model.open_angle - angle))
        for joint in self._robot.knuckles:
            self._world.bullet.setJointMotorControl2(
                self._robot.body,
                joint,
                pybullet.POSITION_CONTROL,
                targetPosition=angle,
                force=self._force * self._model.crank,
                maxVelocity=knuckle_speed,
                positionGain=0.3,
                velocityGain=1.0,
            )

    def _press_on(self) -> None:
        """Press with the full force on what stopped the fingers.

        The motor of a position command is a constraint among others of the contact solver, which passes on less than
        half of its force to the pads before it ends.
        """
        self._pressing = 1 if self._target < self.opening() else -1
        for joint in self._robot.knuckles:
            self._world.bullet.setJointMotorControl2(self._robot.body, joint, pybullet.VELOCITY_CONTROL, force=0.0)

    def _press(self) -> None:
        if not self._pressing:
            return
        for joint in self._robot.knuckles:
            angle = self._world.bullet.getJointState(self._robot.body, joint)[0]
            lever = self._model.crank * math.cos(self._model.open_angle - angle)
            torque = self._pressing * self._force * lever
            self._world.bullet.setJointMotorControl2(self._robot.body, joint, pybullet.TORQUE_CONTROL, force=torque)

    def _check_progress(self) -> None:
        """Detect a stall, then press or rest; detect the loss of the held object, then close again."""
        last_time, last_opening = self._last_check
        if self._world.time - last_time < LOOK_INTERVAL:
            return
        opening = self.opening()
        self._last_check = (self._world.time, opening)
        if self._moving and abs(opening - last_opening) <= STALL_OPENING:
            self._moving = False
            self._stalled_at = opening
            if abs(opening - self._target) > LOST_OPENING:
                self._press_on()
            else:
                self._command(self._target, REST_SPEED)
        elif not self._moving and abs(opening - self._target) > abs(self._stalled_at - self._target):
            self._stalled_at = opening  # the held object settles a little between the pads
        elif not self._moving and abs(opening - self._stalled_at) > LOST_OPENING:
            self.start_motion(self._target)
