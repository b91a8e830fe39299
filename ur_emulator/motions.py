"""The built-in functions of URScript that move the arm. Each gives one joint command per control cycle."""

from __future__ import annotations

from collections.abc import Generator, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.trajectory import Profile, Trajectory
from impurity_grasp_ros.transform import Transform, from_rotation_vector
from ur_emulator.poses import Pose, between, difference
from ur_emulator.urscript.errors import ScriptError

if TYPE_CHECKING:
    from ur_emulator.controller import Controller

Motion = Generator[None, None, None]

KNOT_SPACING = 0.01
"""Metres between the exact points of a straight line."""

LEVER = 0.25
"""Metres that a radian of turning counts as when a linear motion is timed."""

BRAKING_TIME = 0.3
"""Seconds that axes take at most to come to rest."""

MAX_JOINT_SPEED = 3.2
"""rad/s (UR5 data sheet: 180 degrees a second)."""


class MotionBuiltins:
    """Motions of a controller's arm; arguments as in the script manual, SI units."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller

    def movej(self, q: Sequence[float], a: float = 1.4, v: float = 1.05, t: float = 0, r: float = 0) -> Motion:
        """Straight in joint space, to joint angles or a pose."""
        start = self._controller.axes.q
        end = self._solution(from_rotation_vector(q), start) if isinstance(q, Pose) else np.array(q, np.float64)
        self._check(end)
        distance = float(np.abs(end - start).max())
        yield from self._travel(np.array([start, end]), distance, v if t <= 0 else 1.2 * distance / t, a)

    def movel(self, pose: Sequence[float], a: float = 1.2, v: float = 0.25, t: float = 0, r: float = 0) -> Motion:
        """Straight in Cartesian space, to a pose or to where joint angles lead."""
        axes = self._controller.axes
        T_start = self._controller.tool(axes.q)
        is_pose = isinstance(pose, Pose)
        T_end = from_rotation_vector(pose) if is_pose else self._controller.tool(np.array(pose, np.float64))
        change = difference(T_start, T_end)
        distance = max(float(np.linalg.norm(change[:3])), LEVER * float(np.linalg.norm(change[3:])))
        pieces = max(1, round(distance / KNOT_SPACING))
        knots = [axes.q]
        for piece in range(1, pieces + 1):
            knots.append(self._solution(between(T_start, T_end, piece / pieces), knots[-1]))
        if np.abs(np.diff(knots, axis=0)).max() > 0.5:
            raise ScriptError("expected a straight line away from singularities")
        yield from self._travel(np.array(knots), distance, v if t <= 0 else 1.2 * distance / t, a)

    def stopj(self, a: float = 2.0) -> Motion:
        """Slow down with rad/s2 of the leading axis."""
        while not (self._controller.axes.at_rest and self._controller.is_caught_up):
            self._controller.axes.slow_down(a)
            yield

    def stopl(self, a: float = 10.0, aRot: float = 0.0) -> Motion:
        """Slow down with m/s2 of the tool."""
        axes = self._controller.axes
        speed = float(np.linalg.norm(self._controller.tool_speed()[:3]))
        yield from self.stopj(max(float(np.abs(axes.qd).max()) * a / max(speed, 1e-3), 0.5))

    def servoj(
        self,
        q: Sequence[float],
        a: float = 0,
        v: float = 0,
        t: float = 0.002,
        lookahead_time: float = 0.1,
        gain: float = 300,
    ) -> Motion:
        """Chase joint angles for ``t`` seconds, critically damped."""
        frequency = 1.2 / max(lookahead_time, 0.03) * float(np.sqrt(gain / 300))
        for _ in range(self._cycles(t)):
            axes = self._controller.axes
            acceleration = frequency * frequency * (np.array(q) - axes.q) - 2 * frequency * axes.qd
            self._drive(axes.qd + np.clip(acceleration, -40.0, 40.0) * self._cycle)
            yield

    def servoc(self, pose: Sequence[float], a: float = 1.2, v: float = 0.25, r: float = 0) -> Motion:
        """One cycle towards a pose."""
        T_now = self._controller.tool(self._controller.axes.q)
        T_goal = from_rotation_vector(pose)
        distance = float(np.linalg.norm(difference(T_now, T_goal)[:3]))
        part = min(1.0, v * self._cycle / distance) if distance > 0 else 1.0
        self._controller.axes.command(self._solution(between(T_now, T_goal, part), self._controller.axes.q))
        yield

    def speedj(self, qd: Sequence[float], a: float = 0.5, t: float = 0) -> Motion:
        """Joint speeds, for ``t`` seconds."""
        for _ in range(self._cycles(t)):
            change = np.array(qd) - self._controller.axes.qd
            largest = float(np.abs(change).max())
            self._drive(
                self._controller.axes.qd + change * (min(1.0, a * self._cycle / largest) if largest > 0 else 0.0)
            )
            yield

    def speedl(self, xd: Sequence[float], a: float = 0.5, t: float = 0, aRot: float = 0) -> Motion:
        """Speed of the tool, m/s and rad/s, for ``t`` seconds."""
        for _ in range(self._cycles(t)):
            now = self._controller.tool_speed()
            change = np.array(xd) - now
            largest = float(np.linalg.norm(change[:3]))
            speed = now + change * (min(1.0, a * self._cycle / largest) if largest > 0 else 1.0)
            T_next = from_rotation_vector([0.0, 0.0, 0.0, *(speed[3:] * self._cycle)])
            T_now = self._controller.tool(self._controller.axes.q)
            T_next[:3, :3] = T_next[:3, :3] @ T_now[:3, :3]
            T_next[:3, 3] = T_now[:3, 3] + speed[:3] * self._cycle
            self._controller.axes.command(self._solution(T_next, self._controller.axes.q))
            yield

    def force_mode(self, *_arguments: object) -> Motion:
        """Compliance is not emulated: the arm stays."""
        yield

    def sync(self) -> Motion:
        """Wait for the next control cycle."""
        yield

    def sleep(self, duration: float) -> Motion:
        """Wait for seconds."""
        for _ in range(self._cycles(duration)):
            yield

    @property
    def _cycle(self) -> float:
        return self._controller.personality.cycle

    def _cycles(self, duration: float) -> int:
        return max(1, round(duration / self._cycle))

    def _drive(self, speeds: NDArray[np.float64]) -> None:
        bounded = np.clip(speeds, -MAX_JOINT_SPEED, MAX_JOINT_SPEED)
        self._controller.axes.command(self._controller.axes.q + bounded * self._cycle)

    def _solution(self, T_controller_tool: Transform, near: NDArray[np.float64]) -> NDArray[np.float64]:
        joints = self._controller.fitted.joints_at(T_controller_tool, near)
        if joints is None:
            raise ScriptError(f"expected a pose within reach, received {np.round(T_controller_tool[:3, 3], 4)}")
        return joints

    def _check(self, joints: NDArray[np.float64]) -> None:
        if not self._controller.is_within_limits(joints):
            raise ScriptError(f"expected six angles within the safety limits, received {joints}")

    def _travel(self, knots: NDArray[np.float64], distance: float, speed: float, acceleration: float) -> Motion:
        """Follow a path; slider and pace stretch its time. Ends when the mechanics have arrived, too."""
        if not (speed > 0.0 and acceleration > 0.0):
            raise ScriptError(f"expected a positive speed and acceleration, received {speed} and {acceleration}")
        if distance <= 0.0:
            return
        trajectory, time = Trajectory(Profile(distance, speed, acceleration), knots), 0.0
        commanded, controller = knots[0], self._controller
        controller.travels = True
        try:
            while time < trajectory.duration or not controller.is_caught_up:
                if not np.array_equal(controller.axes.q, commanded):  # they came to rest in a pause
                    time = _nearest_time(trajectory, time, controller.axes.q)
                time += self._cycle * controller.speed_factor
                commanded = trajectory.at(time)[0]
                controller.axes.command(commanded)
                yield
        finally:
            controller.travels = False


def _nearest_time(trajectory: Trajectory, after: float, joints: NDArray[np.float64]) -> float:
    """The time on a trajectory, within reach of braking, at which it is closest to joint angles (6,)."""
    times = np.clip(after + np.linspace(0.0, BRAKING_TIME, 120), 0.0, trajectory.duration)
    return float(min(times, key=lambda time: float(np.abs(trajectory.at(time)[0] - joints).max())))
