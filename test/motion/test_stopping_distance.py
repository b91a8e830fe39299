"""Travel of the tool after contact: an arm with the delays of its controller meets a spring.

The axes are those of the emulated controller with 125 cycles per second. A force is read two cycles after it occurs
(interface of the controller, polling of the driver), a stop takes effect two cycles after the request, and the leading
axis decelerates with 12 rad/s2. The time of contact between two polls is varied.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

import numpy as np
import pytest
from fake_devices import FakeClock, FakeGripper
from grippers import KINEMATICS
from numpy.typing import NDArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import UnreachableError
from impurity_grasp_ros.motion.follower import Follower
from impurity_grasp_ros.motion.path_check import PathChecker
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory, resting
from impurity_grasp_ros.motion.waypoints import Straight
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform, tool_down
from ur_emulator.axes import Axes

CYCLE = 0.008
DELAY_CYCLES = 2
BRAKING = 12.0
RIGID, SOFT = 1e6, 5e3
"""Stiffness in N/m of a table and of a soft object."""


@dataclass
class SpringArm:
    """Arm that follows a line in control cycles, with an obstacle ``gap`` meters away in the direction ``along``."""

    axes: Axes
    along: NDArray[np.float64]
    gap: float
    stiffness: float
    _origin: NDArray[np.float64] = field(init=False)
    _trajectory: Trajectory = field(init=False)
    _time: float = 0.0
    _stop_in: int | None = None

    def __post_init__(self) -> None:
        self._origin = self.tool_pose()[:3, 3]
        self._trajectory = resting(self.axes.q)
        self._forces = deque([0.0] * (DELAY_CYCLES + 1), maxlen=DELAY_CYCLES + 1)
        self.travel: list[float] = []
        self.forces: list[float] = []

    def cycle(self) -> None:
        """One control cycle."""
        self._time += CYCLE
        if self._stop_in == 0:
            self.axes.slow_down(BRAKING)
        else:
            self._stop_in = None if self._stop_in is None else self._stop_in - 1
            self.axes.command(self._trajectory.at(self._time)[0])
        self.axes.cycle(BRAKING)
        travel = float((self.tool_pose()[:3, 3] - self._origin) @ self.along)
        force = self.stiffness * max(travel - self.gap, 0.0)
        self.travel.append(travel)
        self.forces.append(force)
        self._forces.append(force)

    def joint_positions(self) -> JointPositions:
        return self.axes.q

    def tool_pose(self) -> Transform:
        return KINEMATICS.forward(self.axes.q)

    def tool_force(self) -> NDArray[np.float64]:
        return -self._forces[0] * self.along

    def set_payload(self, held_mass: float) -> None:
        raise AssertionError("nothing is held here")

    def speed_fraction(self) -> float:
        return 1.0

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        return KINEMATICS.nearest(T_base_tool, self.axes.q)

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        raise AssertionError("only straight motions meet something here")

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        T_start, knots = self.tool_pose(), [self.axes.q]
        distance = float(np.linalg.norm(T_base_tool[:3, 3] - T_start[:3, 3]))
        for part in np.linspace(0.0, 1.0, 41)[1:]:
            pose = (1.0 - part) * T_start + part * T_base_tool
            if (joints := KINEMATICS.nearest(pose, knots[-1])) is None:
                raise UnreachableError("expected a reachable line")
            knots.append(joints)
        self._trajectory, self._time = Trajectory(Profile(distance, speed, acceleration), np.array(knots)), 0.0

    def is_moving(self) -> bool:
        return self._stop_in is None and self._time < self._trajectory.duration

    def stop(self) -> None:
        self._stop_in = DELAY_CYCLES


class CycleClock(FakeClock):
    """Clock that runs control cycles of the arm."""

    def __init__(self, arm: SpringArm) -> None:
        super().__init__()
        self._arm = arm
        self._due = 0.0

    def sleep(self, duration: float) -> None:
        super().sleep(duration)
        self._due += duration
        while self._due >= CYCLE:
            self._due -= CYCLE
            self._arm.cycle()


def travel_after_contact(
    cell: CellConfig, start: tuple[float, float, float], way: Straight, gap: float, stiffness: float
) -> float:
    """Travel in meters from where the force reaches its limit to where the arm rests."""
    joints = KINEMATICS.nearest(tool_down(start, 0.0), np.array(cell.home))
    assert joints is not None
    along = np.array(way.displacement) / np.linalg.norm(way.displacement)
    arm = SpringArm(Axes(joints, CYCLE), along, gap, stiffness)
    clock = CycleClock(arm)
    follower = Follower(arm, FakeGripper(clock), clock, cell, PathChecker(cell), Supervision())
    assert not follower.follow(way)
    clock.sleep(0.5)
    assert arm.axes.at_rest
    felt = next(index for index, force in enumerate(arm.forces) if force > way.force)
    return max(arm.travel) - min(arm.travel[felt], gap + way.force / stiffness)


def farthest(cell: CellConfig, start: tuple[float, float, float], way: Straight, stiffness: float) -> float:
    """Largest travel of twelve contacts at different times between two polls."""
    gaps = 0.03 + np.arange(12) * way.speed * cell.motion.poll_interval / 12
    return max(travel_after_contact(cell, start, way, float(gap), stiffness) for gap in gaps)


@pytest.mark.parametrize("stiffness", [RIGID, SOFT], ids=["rigid", "soft"])
@pytest.mark.parametrize("place", [(0.32, -0.18), (0.50, 0.0), (0.68, 0.18)], ids=["near", "middle", "far"])
def test_at_the_contact_speed_the_tool_travels_three_millimeters_at_most(
    cell: CellConfig, place: tuple[float, float], stiffness: float
) -> None:
    motion = cell.motion
    way = Straight("descend", (0.0, 0.0, -0.12), motion.contact_speed, motion.descend_force)
    assert 0.0005 < farthest(cell, (*place, 0.20), way, stiffness) <= 0.003


@pytest.mark.parametrize("stiffness", [RIGID, SOFT], ids=["rigid", "soft"])
@pytest.mark.parametrize("direction", [(0.10, 0.0, 0.0), (0.0, 0.10, 0.0), (-0.07, 0.07, 0.0)])
def test_a_push_travels_eight_millimeters_at_most(
    cell: CellConfig, direction: tuple[float, float, float], stiffness: float
) -> None:
    way = Straight("push", direction, cell.motion.push_speed, cell.motion.push_force)
    assert 0.002 < farthest(cell, (0.50, 0.0, 0.05), way, stiffness) <= 0.008


def test_the_distance_follows_from_speed_delays_and_deceleration(cell: CellConfig) -> None:
    """speed * (poll interval + two delays) + speed2 / 2a, with ``a`` for 12 rad/s2 at the lever of the arm."""
    for speed in (0.045, 0.25):
        way = Straight("descend", (0.0, 0.0, -0.18), speed, cell.motion.descend_force)
        delays = cell.motion.poll_interval + (2 * DELAY_CYCLES + 2) * CYCLE
        bound = speed * delays + speed**2 / (2 * 3.0)
        assert 0.3 * bound < farthest(cell, (0.50, 0.0, 0.22), way, RIGID) <= bound
