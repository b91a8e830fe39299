"""Fake arm, gripper and clock, with exact kinematics, simulated time, and faults on demand."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from grippers import KINEMATICS
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Outcome, Primitive
from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.transform import Transform

Execute = Callable[[Primitive], Outcome]
"""Function that executes a primitive on the fake robot."""


class FakeClock:
    """Clock whose time passes only in :meth:`sleep`."""

    def __init__(self) -> None:
        self.time = 100.0

    def now(self) -> float:
        return self.time

    def sleep(self, duration: float) -> None:
        assert duration > 0.0
        self.time += duration


@dataclass
class FakeArm:
    """Moves in joint space at 1 rad/s and records its commands.

    Attributes:
        force: Upward force at the tool in newtons, as a function of its pose.
        offset: Force (3,) in newtons that the sensor adds.
        reaches: Whether inverse kinematics find a pose, as a function of it.
        stuck: Whether motions never end.
        slider: Speed fraction that it reports.
        faults: Names of the commands that fail.
    """

    clock: FakeClock
    joints: JointPositions
    force: Callable[[Transform], float] = lambda T_base_tool: 0.0
    offset: tuple[float, float, float] = (0.0, 0.0, 0.0)
    reaches: Callable[[Transform], bool] = lambda T_base_tool: True
    stuck: bool = False
    slider: float = 1.0
    faults: frozenset[str] = frozenset()
    commands: list[str] = field(default_factory=list)
    targets: list[JointPositions] = field(default_factory=list)
    speeds: list[float] = field(default_factory=list)
    accelerations: list[float] = field(default_factory=list)
    payloads: list[float] = field(default_factory=list)
    _start: JointPositions = field(init=False)
    _goal: JointPositions = field(init=False)
    _started: float = field(init=False)

    def __post_init__(self) -> None:
        self._hold(self.joints)

    def joint_positions(self) -> JointPositions:
        way = self._goal - self._start
        distance = float(np.abs(way).max())
        part = (self.clock.time - self._started) / distance if distance > 0.0 else 1.0
        return self._start + part * way if part < 1.0 else self._goal

    def tool_pose(self) -> Transform:
        return KINEMATICS.forward(self.joint_positions())

    def tool_force(self) -> NDArray[np.float64]:
        self._fail_at("tool_force")
        return np.array([0.0, 0.0, self.force(self.tool_pose())]) + self.offset

    def set_payload(self, held_mass: float) -> None:
        self.payloads.append(held_mass)

    def speed_fraction(self) -> float:
        return self.slider

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        return KINEMATICS.nearest(T_base_tool, self.joint_positions()) if self.reaches(T_base_tool) else None

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        self._start_motion("joint", joints, speed, acceleration)

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        joints = KINEMATICS.nearest(T_base_tool, self.joint_positions())
        assert joints is not None
        self._start_motion("linear", joints, speed, acceleration)

    def is_moving(self) -> bool:
        self._fail_at("is_moving")
        return self.stuck or not np.array_equal(self.joint_positions(), self._goal)

    def stop(self) -> None:
        self.commands.append("stop")
        self._hold(self.joint_positions())

    def _start_motion(self, command: str, joints: JointPositions, speed: float, acceleration: float) -> None:
        self._fail_at(command)
        self.commands.append(command)
        self.targets.append(joints)
        self.speeds.append(speed)
        self.accelerations.append(acceleration)
        self._start, self._goal, self._started = self.joint_positions(), joints, self.clock.time

    def _hold(self, joints: JointPositions) -> None:
        self._start = self._goal = joints
        self._started = self.clock.time

    def _fail_at(self, command: str) -> None:
        if command in self.faults:
            raise DeviceFaultError(f"expected {command} to work, the arm is on strike")


@dataclass
class FakeGripper:
    """Fingers that move at 0.1 m/s and stall on an object until they open.

    Attributes:
        clock: Clock of the robot.
        width: Width of the object in meters; 0 for none.
        stuck: Whether motions never end.
        jam: Opening in meters at which they are jammed; None if they can move.
        on_start: Called with every commanded opening in meters.
        faults: Names of the commands that fail.
        commands: Openings in meters that were commanded.
    """

    clock: FakeClock
    width: float = 0.0
    stuck: bool = False
    jam: float | None = None
    on_start: Callable[[float], None] = lambda opening: None
    faults: frozenset[str] = frozenset()
    commands: list[float] = field(default_factory=list)
    _from: float = 0.0
    _to: float = 0.0
    _started: float = -math.inf

    def start_motion(self, opening: float) -> None:
        if "start_motion" in self.faults:
            raise DeviceFaultError("expected the fingers to move, the gripper is on strike")
        self.commands.append(opening)
        self.on_start(opening)
        self._from, self._to, self._started = self.opening(), opening, self.clock.time
        if opening > self.width:
            self.width = 0.0

    def is_moving(self) -> bool:
        return self.stuck or (self.jam is None and self.opening() != max(self._to, self.width))

    def opening(self) -> float:
        """The fingers stop at an object between them, and close further once it is gone."""
        if self.jam is not None:
            return self.jam
        way = 0.1 * (self.clock.time - self._started)
        if self._to >= self._from:
            return max(min(self._from + way, self._to), self.width)
        return max(self._from - way, self._to, self.width)

    def is_holding(self) -> bool:
        return not self.is_moving() and self._to < self._from and self.opening() > self._to


@dataclass
class FakeRobot:
    """The three devices, and the supervision of their motions.

    Attributes:
        clock: Clock of the robot.
        arm: The arm.
        gripper: The gripper.
        at_phase: Functions that are called when a phase is reported, by name of the phase.
        cancel_in: Phases in which the caller cancels.
        phases: Phases that were reported.
    """

    clock: FakeClock
    arm: FakeArm
    gripper: FakeGripper
    at_phase: dict[str, Callable[[], None]] = field(default_factory=dict)
    cancel_in: Sequence[str] = ()
    phases: list[str] = field(default_factory=list)

    def on_phase(self, phase: str) -> None:
        self.phases.append(phase)
        self.at_phase.get(phase, lambda: None)()

    def canceled(self) -> bool:
        return bool(self.phases) and self.phases[-1] in self.cancel_in

    def moved(self) -> bool:
        """Whether any motion was commanded."""
        return bool(self.arm.targets or self.gripper.commands)

    def place_object(self, width: float) -> None:
        """Place an object of ``width`` meters where the next grasp closes; it falls when it is released."""

        def meet() -> None:
            if self.arm.tool_pose()[2, 3] < 0.1:
                self.gripper.width = width

        self.at_phase["close"] = meet

    def lose_object_at(self, phase: str) -> None:
        """Make the held object slip out of the fingers when a phase begins."""
        self.at_phase[phase] = lambda: setattr(self.gripper, "width", 0.0)

    def move_to(self, T_base_tool: Transform) -> None:
        """Place the arm at rest at a tool pose."""
        joints = self.arm.inverse_kinematics(T_base_tool)
        assert joints is not None
        self.arm.joints = joints
        self.arm._hold(joints)

    def stands_still(self) -> bool:
        """Whether the last command was to stop and the arm does not move."""
        before = self.arm.joint_positions()
        self.clock.sleep(10.0)
        return self.arm.commands[-1] == "stop" and np.array_equal(self.arm.joint_positions(), before)
