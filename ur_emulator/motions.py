"""Built-in functions of URScript that take time: motions and waiting. Each yields once per control cycle.

Names, arguments and defaults are those of Universal Robots' script manual; SI units.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.trajectory import Profile, Trajectory
from impurity_grasp_ros.transform import Transform, from_rotation_vector
from ur_emulator.arm import EmulatedArm
from ur_emulator.errors import ScriptError
from ur_emulator.poses import Pose, between, difference

Motion = Generator[None, None, None]

KNOT_SPACING = 0.01
"""Distance in meters between exact points of a straight line; joint angles are interpolated in between."""

LEVER = 0.25
"""Distance in meters that one radian of rotation counts as when a linear motion is timed."""

MAX_LINE_STEP = 0.5
"""Largest change of a joint in rad between two exact points of a straight line; singularities exceed it."""

BRAKING_TIME = 0.3
"""Longest time in seconds that axes need to stop."""

MAX_SERVO_ACCELERATION = 40.0
"""Largest joint acceleration of ``servoj``, in rad/s2."""

MAX_JOINT_SPEED = 3.2
"""Largest joint speed in rad/s (UR5 data sheet: 180 degrees per second)."""


class MotionBuiltins:
    """Motions of an arm. Every public method is a function of the script language."""

    def __init__(self, arm: EmulatedArm) -> None:
        self._arm = arm

    def movej(self, q: Sequence[float], a: float = 1.4, v: float = 1.05, t: float = 0, r: float = 0) -> Motion:
        """Move linearly in joint space, to joint angles or a pose. The blend radius ``r`` is ignored."""
        start = self._arm.axes.q
        end = self._solution(from_rotation_vector(q), start) if isinstance(q, Pose) else np.array(q, np.float64)
        self._check(end)
        distance = float(np.abs(end - start).max())
        yield from self._travel(np.array([start, end]), distance, v if t <= 0 else 1.2 * distance / t, a)

    def movel(self, pose: Sequence[float], a: float = 1.2, v: float = 0.25, t: float = 0, r: float = 0) -> Motion:
        """Move the tool in a straight line, to a pose or joint angles. The blend radius ``r`` is ignored."""
        axes, tool = self._arm.axes, self._arm.tool
        T_start = tool.transform(axes.q)
        T_end = from_rotation_vector(pose) if isinstance(pose, Pose) else tool.transform(np.array(pose, np.float64))
        change = difference(T_start, T_end)
        distance = max(float(np.linalg.norm(change[:3])), LEVER * float(np.linalg.norm(change[3:])))
        pieces = max(1, round(distance / KNOT_SPACING))
        knots = [axes.q]
        for piece in range(1, pieces + 1):
            knots.append(self._solution(between(T_start, T_end, piece / pieces), knots[-1]))
        if np.abs(np.diff(knots, axis=0)).max() > MAX_LINE_STEP:
            raise ScriptError("expected a straight line away from singularities")
        yield from self._travel(np.array(knots), distance, v if t <= 0 else 1.2 * distance / t, a)

    def stopj(self, a: float = 2.0) -> Motion:
        """Stop with ``a`` rad/s2 of the fastest joint."""
        while not (self._arm.axes.at_rest and self._arm.is_caught_up):
            self._arm.axes.slow_down(a)
            yield

    def stopl(self, a: float = 10.0, aRot: float = 0.0) -> Motion:
        """Stop with ``a`` m/s2 of the tool."""
        speed = float(np.linalg.norm(self._arm.tool_speed()[:3]))
        yield from self.stopj(max(float(np.abs(self._arm.axes.qd).max()) * a / max(speed, 1e-3), 0.5))

    def servoj(
        self,
        q: Sequence[float],
        a: float = 0,
        v: float = 0,
        t: float = 0.002,
        lookahead_time: float = 0.1,
        gain: float = 300,
    ) -> Motion:
        """Track joint angles for ``t`` seconds with critically damped axes."""
        axes = self._arm.axes
        frequency = 1.2 / max(lookahead_time, 0.03) * float(np.sqrt(gain / 300))
        for _ in range(self._cycles(t)):
            acceleration = frequency * frequency * (np.array(q) - axes.q) - 2 * frequency * axes.qd
            bounded = np.clip(acceleration, -MAX_SERVO_ACCELERATION, MAX_SERVO_ACCELERATION)
            self._command_speeds(axes.qd + bounded * self._arm.cycle_time)
            yield

    def servoc(self, pose: Sequence[float], a: float = 1.2, v: float = 0.25, r: float = 0) -> Motion:
        """Move toward a pose for one control cycle."""
        joints = self._arm.axes.q
        T_now, T_goal = self._arm.tool.transform(joints), from_rotation_vector(pose)
        distance = float(np.linalg.norm(difference(T_now, T_goal)[:3]))
        fraction = min(1.0, v * self._arm.cycle_time / distance) if distance > 0 else 1.0
        self._arm.axes.command(self._solution(between(T_now, T_goal, fraction), joints))
        yield

    def speedj(self, qd: Sequence[float], a: float = 0.5, t: float = 0) -> Motion:
        """Approach joint speeds for ``t`` seconds."""
        axes = self._arm.axes
        for _ in range(self._cycles(t)):
            change = np.array(qd) - axes.qd
            largest = float(np.abs(change).max())
            fraction = min(1.0, a * self._arm.cycle_time / largest) if largest > 0 else 0.0
            self._command_speeds(axes.qd + change * fraction)
            yield

    def speedl(self, xd: Sequence[float], a: float = 0.5, t: float = 0, aRot: float = 0) -> Motion:
        """Approach a velocity of the tool, m/s and rad/s, for ``t`` seconds."""
        cycle = self._arm.cycle_time
        for _ in range(self._cycles(t)):
            joints, now = self._arm.axes.q, self._arm.tool_speed()
            change = np.array(xd) - now
            largest = float(np.linalg.norm(change[:3]))
            speed = now + change * (min(1.0, a * cycle / largest) if largest > 0 else 1.0)
            T_now = self._arm.tool.transform(joints)
            T_next = from_rotation_vector([0.0, 0.0, 0.0, *(speed[3:] * cycle)])
            T_next[:3, :3] = T_next[:3, :3] @ T_now[:3, :3]
            T_next[:3, 3] = T_now[:3, 3] + speed[:3] * cycle
            self._arm.axes.command(self._solution(T_next, joints))
            yield

    def force_mode(self, *_arguments: object) -> Motion:
        """Wait for one control cycle: compliance is not emulated, the arm stays where it is."""
        yield

    def sync(self) -> Motion:
        """Wait for the next control cycle."""
        yield

    def sleep(self, duration: float) -> Motion:
        """Wait for ``duration`` seconds."""
        for _ in range(self._cycles(duration)):
            yield

    def _cycles(self, duration: float) -> int:
        return max(1, round(duration / self._arm.cycle_time))

    def _command_speeds(self, speeds: NDArray[np.float64]) -> None:
        bounded = np.clip(speeds, -MAX_JOINT_SPEED, MAX_JOINT_SPEED)
        self._arm.axes.command(self._arm.axes.q + bounded * self._arm.cycle_time)

    def _solution(self, T_controller_tool: Transform, near: NDArray[np.float64]) -> NDArray[np.float64]:
        joints = self._arm.tool.joints_at(T_controller_tool, near)
        if joints is None:
            raise ScriptError(f"expected a pose within reach, received {np.round(T_controller_tool[:3, 3], 4)}")
        return joints

    def _check(self, joints: NDArray[np.float64]) -> None:
        if not self._arm.is_within_limits(joints):
            raise ScriptError(f"expected six angles within the safety limits, received {joints}")

    def _travel(self, knots: NDArray[np.float64], distance: float, speed: float, acceleration: float) -> Motion:
        """Follow a path; the speed factor stretches its time. Ends once the mechanics have arrived as well."""
        if not (speed > 0.0 and acceleration > 0.0):
            raise ScriptError(f"expected a positive speed and acceleration, received {speed} and {acceleration}")
        if distance <= 0.0:
            return
        trajectory, time = Trajectory(Profile(distance, speed, acceleration), knots), 0.0
        commanded, arm = knots[0], self._arm
        arm.in_motion = True
        try:
            while time < trajectory.duration or not arm.is_caught_up:
                if not np.array_equal(arm.axes.q, commanded):  # a pause has stopped the axes further along the path
                    time = _nearest_time(trajectory, time, arm.axes.q)
                time += arm.cycle_time * arm.speed_factor
                commanded = trajectory.at(time)[0]
                arm.axes.command(commanded)
                yield
        finally:
            arm.in_motion = False


def _nearest_time(trajectory: Trajectory, after: float, joints: NDArray[np.float64]) -> float:
    """Time, at most the braking time after ``after``, at which a trajectory is closest to joint angles (6,) rad."""
    times = np.clip(after + np.linspace(0.0, BRAKING_TIME, 120), 0.0, trajectory.duration)
    return float(min(times, key=lambda time: float(np.abs(trajectory.at(time)[0] - joints).max())))
