"""The simulated gripper: fingers that swing on arcs and stall on what they hold."""

from __future__ import annotations

import math

import pybullet

from impurity_grasp_ros.simulation.robot import Robot

STALL_OPENING = 2e-4
"""Fingers that move less than this (m) between two looks have stalled."""

LOST_OPENING = 1.5e-3
"""Stalled fingers that come closer to their target by this much (m) have lost what they held."""

HOLD_SPEED = 0.01
"""m/s that stalled fingers keep striving for; their force is the same, but the contact solver drifts less."""

LOOK_INTERVAL = 0.025
"""Seconds between two looks at the fingers' progress."""


class SimulatedGripper:
    """``Gripper`` protocol on the simulated gripper. speed in m/s of the opening, force in newtons per finger."""

    def __init__(self, robot: Robot, *, speed: float, force: float) -> None:
        self._robot = robot
        self._world = robot.world
        self._model = robot.gripper
        self._speed = speed
        self._torque = force * self._model.crank
        self._moving = False
        self._last_look = (0.0, 0.0)
        self.jump_to(0.0)
        self._world.after_step(self._look)

    def jump_to(self, opening: float) -> None:
        """Place the fingers at rest, without simulating the way."""
        angle = self._model.knuckle_travel(opening)
        for joint in (*self._robot.knuckles, *self._robot.finger_tips):
            self._world.bullet.resetJointState(self._robot.body, joint, angle, 0.0)
        self._target = self._stalled_at = opening
        self._command(opening, HOLD_SPEED)
        self._moving = False

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers to ``opening`` metres."""
        self._target = opening
        self._command(opening, self._speed)
        self._moving = True
        self._last_look = (self._world.time, math.inf)

    def is_moving(self) -> bool:
        """Whether the fingers still make progress."""
        return self._moving

    def opening(self) -> float:
        """Mean distance between the pads in metres."""
        states = self._world.bullet.getJointStates(self._robot.body, self._robot.knuckles)
        return sum(self._model.pad_opening(state[0]) for state in states) / len(states)

    def is_holding(self) -> bool:
        """Whether the fingers have stalled on something while they closed."""
        return not self._moving and self.opening() - self._target > LOST_OPENING

    def skip_motion(self) -> None:
        """Jump to where the fingers were sent; only while they touch nothing. The time it takes passes nonetheless."""
        way = abs(self.opening() - self._target)
        if way > STALL_OPENING:
            self.jump_to(self._target)
            self._world.skip(way / self._speed)

    def _command(self, opening: float, speed: float) -> None:
        angle = self._model.knuckle_travel(opening)
        knuckle_speed = speed / (2.0 * self._model.crank * math.cos(self._model.open_angle - angle))
        for joint in self._robot.knuckles:
            self._world.bullet.setJointMotorControl2(
                self._robot.body,
                joint,
                pybullet.POSITION_CONTROL,
                targetPosition=angle,
                force=self._torque,
                maxVelocity=knuckle_speed,
                positionGain=0.3,
                velocityGain=1.0,
            )

    def _look(self) -> None:
        """Judge progress: stalled fingers hold with little effort, fingers that lose their hold close on."""
        last_time, last_opening = self._last_look
        if self._world.time - last_time < LOOK_INTERVAL:
            return
        opening = self.opening()
        self._last_look = (self._world.time, opening)
        if self._moving and abs(opening - last_opening) <= STALL_OPENING:
            self._moving = False
            self._stalled_at = opening
            self._command(self._target, HOLD_SPEED)
        elif not self._moving and abs(opening - self._target) > abs(self._stalled_at - self._target):
            self._stalled_at = opening  # what they hold settles a little between the pads
        elif not self._moving and abs(opening - self._stalled_at) > LOST_OPENING:
            self.start_motion(self._target)
