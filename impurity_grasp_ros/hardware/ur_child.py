"""The process in which the vendor-independent client library ur_rtde lives.

Its native code can crash or block for minutes, and it may repeat its last command when it reconnects. So it gets a
process of its own that never reconnects: when anything is wrong with the link the process ends, and another one starts
from scratch. The controller's watchdog stops the arm when this process falls silent; it falls silent when its parent
does.
"""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_state import UrState
from impurity_grasp_ros.motion.kinematics import TOOL_LENGTH

PERIOD = 0.008
"""Seconds between two readings."""

SILENCE = 0.5
"""Seconds without a word from the parent after which the arm is stopped."""

SETTLE_TIME = 1.0
"""Seconds for an uploaded program to be seen running."""

EXPLANATION_TIME = 0.3
"""Seconds that the safety mode may lag behind the program that it has stopped."""


@dataclass(frozen=True)
class Request:
    """A call from the parent: a method of :class:`UrChild` and its arguments."""

    number: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Reply:
    """What a call gave, or why it failed."""

    number: int
    value: Any
    error: str


@dataclass(frozen=True)
class Ending:
    """Why the process ends. held: control was taken away; a person has to ask for it back."""

    reason: str
    held: bool


class ControlLostError(Exception):
    """Somebody or something has stopped the arm or its program."""


def serve(host: str, config: UrConfig, held: str, pipe: Connection) -> None:
    """Entry point of the process. Ends when link, control or parent is lost; the reason goes to the parent.

    held: why control must not be taken, empty when it may be.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what a signal to the whole group means
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = None
    try:
        child = UrChild(host, config, held, pipe)
        child.run()
    except ControlLostError as error:
        ending = Ending(str(error), held=True)
    except Exception as error:
        ending = Ending(str(error) or type(error).__name__, held=False)
        if child is not None:
            child.leave()
    with contextlib.suppress(OSError):
        pipe.send(ending)
    os._exit(0)  # the library's threads may hang


class UrChild:
    """One connection. Public methods except :meth:`run` and :meth:`leave` can be called from the parent."""

    def __init__(self, host: str, config: UrConfig, held: str, pipe: Connection) -> None:
        from rtde_receive import RTDEReceiveInterface

        self._host = host
        self._config = config
        self._pipe = pipe
        self._receive = RTDEReceiveInterface(host)
        self._control: Any = None
        self._held = held
        self._finished = -1
        self._motions = 0
        self._moving = False
        self._seen_running = 0.0
        self._stamp, self._fresh_at = -1.0, time.monotonic()

    def run(self) -> None:
        """Read, report, obey; returns never."""
        heard = time.monotonic()
        while True:
            start = time.monotonic()
            state = self._read(start)
            self._pipe.send(state)
            while self._pipe.poll():
                self._answer(self._pipe.recv())
                heard = time.monotonic()
            if time.monotonic() - heard > SILENCE:
                raise ConnectionError("expected to hear from the driver's parent process")
            self._keep_control(state)
            time.sleep(max(PERIOD - (time.monotonic() - start), 0.0))

    def leave(self) -> None:
        """Stop the arm and the program, as far as the link allows."""
        if self._control is not None and self._receive.isConnected():
            with contextlib.suppress(Exception):
                self._control.stopJ(self._config.stop_deceleration)
                self._control.stopScript()

    # Calls

    def alive(self) -> None:
        """A sign of life from the parent."""

    def start_joint_motion(self, joints: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in joint space; returns its number."""
        return self._start(lambda control: control.moveJ(joints, speed, acceleration, True))

    def start_linear_motion(self, pose: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in Cartesian space; returns its number."""
        if not self._demand().isPoseWithinSafetyLimits(pose):
            raise ValueError(f"expected a pose within the safety limits, received {pose}")
        return self._start(lambda control: control.moveL(pose, speed, acceleration, True))

    def inverse_kinematics(self, pose: list[float], near: list[float]) -> list[float] | None:
        """Joint angles for a pose, or None."""
        control = self._demand()
        if not control.getInverseKinematicsHasSolution(pose, near):
            return None
        joints = list(control.getInverseKinematics(pose, near))
        return joints if len(joints) == 6 else None

    def zero_force(self) -> None:
        """Take the present force at the tool for none."""
        if not self._demand().zeroFtSensor():
            raise RuntimeError("expected the force sensor to be zeroed, the controller did not")

    def stop(self) -> None:
        """Stop the arm. Without waiting for it, as the watchdog has to be kicked meanwhile."""
        self._moving = False
        if self._control is not None:
            self._control.stopJ(self._config.stop_deceleration, True)

    # Inside

    def _answer(self, request: Request) -> None:
        try:
            value, error = getattr(self, request.method)(*request.arguments), ""
        except Exception as problem:
            value, error = None, str(problem) or type(problem).__name__
        if request.method != "alive":
            self._pipe.send(Reply(request.number, value, error))

    def _read(self, now: float) -> UrState:
        receive = self._receive
        stamp = receive.getTimestamp()
        if stamp != self._stamp:
            self._stamp, self._fresh_at = stamp, now
        if not receive.isConnected():
            raise ConnectionError(f"expected readings from {self._host}, it has closed the connection")
        if now - self._fresh_at > self._config.stale_after:
            raise ConnectionError(f"expected readings from {self._host}, none for {now - self._fresh_at:.1f} s")
        running = self._control is not None and self._control.isProgramRunning()
        self._moving = self._moving and running and not self._has_finished()
        return UrState(
            stamp=stamp,
            joints=tuple(receive.getActualQ()),
            speeds=tuple(receive.getActualQd()),
            tool_pose=tuple(receive.getActualTCPPose()),
            tool_force=tuple(receive.getActualTCPForce()),
            robot_mode=receive.getRobotMode(),
            safety_mode=receive.getSafetyMode(),
            speed_fraction=receive.getTargetSpeedFraction(),
            program_running=running,
            held=self._held,
            motions=self._motions,
            moving=self._moving,
        )

    def _keep_control(self, state: UrState) -> None:
        """Take control when the robot allows it; raises ControlLostError when it was taken away.

        A process takes control once: the next one that does is another, and knows of no command to resend.
        """
        if self._control is None:
            if not (state.mode_obstacle or self._held):
                self._take_control()
            return
        if state.mode_obstacle:
            raise ControlLostError(f"the arm was stopped: {state.safety_mode_name}, {state.robot_mode_name}")
        if state.program_running:
            self._seen_running = max(self._seen_running, time.monotonic())
            self._control.kickWatchdog()
        elif time.monotonic() - self._seen_running > EXPLANATION_TIME:
            raise ControlLostError("the control program was stopped")

    def _take_control(self) -> None:
        from rtde_control import RTDEControlInterface

        self._control = RTDEControlInterface(self._host)
        self._seen_running = time.monotonic() + SETTLE_TIME
        control, config = self._control, self._config
        accepted = (
            control.setTcp([0.0, 0.0, TOOL_LENGTH, 0.0, 0.0, 0.0])
            and control.setPayload(config.payload, list(config.payload_center))
            and control.setWatchdog(config.watchdog_frequency)
        )
        if not accepted:
            raise RuntimeError("expected the controller to take tool, payload and watchdog, it did not")

    def _demand(self) -> Any:
        if self._control is None:
            raise RuntimeError("expected control over the arm, there is none")
        return self._control

    def _start(self, command: Callable[[Any], bool]) -> int:
        control = self._demand()
        self._finished = control.getAsyncOperationProgress()
        if not command(control):
            raise RuntimeError("expected the controller to start the motion, it refused")
        self._moving = True
        self._motions += 1
        return self._motions

    def _has_finished(self) -> bool:
        """By the library's rule: negative, and another value than before the motion."""
        progress = self._control.getAsyncOperationProgress()
        return bool(progress < 0 and progress != self._finished)
