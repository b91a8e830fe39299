"""The process in which the vendor-independent client library ur_rtde runs.

The native code of the library can crash or block for minutes, and it may repeat its last command when it reconnects.
Therefore it runs in a process of its own that never reconnects: if anything is wrong with the connection, the process
ends and a new one starts from scratch. The controller's watchdog stops the arm if this process falls silent. However
the process ends, it leaves a stopped program on the controller.
"""

from __future__ import annotations

import contextlib
import os
import signal
import threading
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection
from typing import Any

from impurity_grasp_ros.hardware.dashboard import stop_program
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.hardware.ur_control import Request, UrControl
from impurity_grasp_ros.hardware.ur_state import UrState
from impurity_grasp_ros.priority import raise_priority

PERIOD = 0.008
"""Seconds between readings."""

SILENCE = 0.8
"""Seconds without a message from the parent, even if it is alive, after which the arm is stopped."""

SETTLE_TIME = 1.0
"""Seconds within which an uploaded program must be running."""

EXPLANATION_TIME = 0.3
"""Seconds to wait for the safety mode to explain why the program has stopped."""

LEAVE_TIME = 1.0
"""Seconds within which the program must be stopped when the process ends."""


@dataclass(frozen=True)
class Started:
    """Message: the process has started. ``priority`` as returned by :func:`raise_priority`."""

    priority: str


@dataclass(frozen=True)
class Ending:
    """Message: why the process ends. ``held``: control was taken away, and a person has to ask for recovery."""

    reason: str
    held: bool


class ControlLostError(Exception):
    """Someone or something has stopped the arm or its program."""


def serve(host: str, config: UrConfig, tool_length: float, held: str, pipe: Connection) -> None:
    """Entry point of the process; ends it when connection, control or parent is lost, and tells the parent why.

    Args:
        host: Address of the controller.
        config: Settings of the driver.
        tool_length: Distance in meters from the flange to the tool center point.
        held: Why control must not be taken, empty if it may be.
        pipe: The connection to the parent.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides how to react to a signal to the process group
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    child = None
    try:
        child = UrChild(host, config, tool_length, held, pipe)
        child.run()
    except ControlLostError as error:
        ending = Ending(str(error), held=True)
    except Exception as error:
        ending = Ending(str(error) or type(error).__name__, held=False)
    with contextlib.suppress(OSError):  # the parent may be gone
        pipe.send(ending)
    if child is not None:
        leaving = threading.Thread(target=child.leave, daemon=True)
        leaving.start()
        leaving.join(LEAVE_TIME)
    os._exit(0)  # the library's threads may hang


class UrChild:
    """One connection to a controller: reads its state, reports it to the parent and carries out requests.

    Args:
        host: Address of the controller.
        config: Settings of the driver.
        tool_length: Distance in meters from the flange to the tool center point.
        held: Why control must not be taken, empty if it may be.
        pipe: The connection to the parent.
    """

    def __init__(self, host: str, config: UrConfig, tool_length: float, held: str, pipe: Connection) -> None:
        import rtde_control  # noqa: F401  (slow imports come before the priority is raised)
        from rtde_receive import RTDEReceiveInterface

        pipe.send(Started(raise_priority()))
        self._host = host
        self._config = config
        self._pipe = pipe
        self._sending = threading.Lock()
        self._receive = RTDEReceiveInterface(host)
        self._control = UrControl(host, config, tool_length, self._send)
        self._held = held
        self._obstructed = False
        self._seen_running = 0.0
        self._stamp, self._fresh_at = -1.0, time.monotonic()
        self._heard = time.monotonic()

    def run(self) -> None:
        """Main loop; never returns.

        Raises:
            ControlLostError: Someone or something has stopped the arm or its program.
            ConnectionError: The controller or the parent has fallen silent, or a command did not return.
        """
        while True:
            start = time.monotonic()
            state = self._read(start)
            self._send(state)
            self._listen()
            self._keep_control(state)
            time.sleep(max(PERIOD - (time.monotonic() - start), 0.0))

    def leave(self) -> None:
        """Stop the arm and the program before the process ends."""
        if not self._control.has_program:
            return
        if self._receive.isConnected() and self._control.is_running and not self._obstructed:
            self._control.end()
        stop_program(self._host, LEAVE_TIME)

    def _send(self, message: Any) -> None:
        with self._sending:
            self._pipe.send(message)

    def _listen(self) -> None:
        """Handle the parent's requests; a stop is carried out before pending requests."""
        while self._pipe.poll():
            request: Request = self._pipe.recv()
            self._heard = time.monotonic()
            if request.method == "stop":
                self._control.stop(request.number)
            elif request.method != "alive":
                self._control.submit(request)
        if time.monotonic() - self._heard > SILENCE:
            raise ConnectionError("expected a message from the parent process, it is silent")

    def _read(self, now: float) -> UrState:
        receive = self._receive
        stamp = receive.getTimestamp()
        if stamp != self._stamp:
            self._stamp, self._fresh_at = stamp, now
        if not receive.isConnected():
            raise ConnectionError(f"expected readings from {self._host}, it has closed the connection")
        if now - self._fresh_at > self._config.stale_after:
            raise ConnectionError(f"expected readings from {self._host}, none for {now - self._fresh_at:.1f} s")
        motions, moving = self._control.progress()
        return UrState(
            stamp=stamp,
            joints=tuple(receive.getActualQ()),
            speeds=tuple(receive.getActualQd()),
            tool_pose=tuple(receive.getActualTCPPose()),
            tool_force=tuple(receive.getActualTCPForce()),
            robot_mode=receive.getRobotMode(),
            safety_mode=receive.getSafetyMode(),
            speed_fraction=min(receive.getTargetSpeedFraction(), receive.getSpeedScaling()),
            digital_inputs=receive.getActualDigitalInputBits(),
            program_running=self._control.is_running,
            held=self._held,
            motions=motions,
            moving=moving,
        )

    def _keep_control(self, state: UrState) -> None:
        """Take control when the robot allows it; raise ControlLostError if control was taken away.

        Any obstacle, with or without control, holds the arm until a person asks for recovery.
        """
        self._obstructed = bool(state.mode_obstacle)
        if state.mode_obstacle:
            self._held = self._held or f"the arm was stopped: {state.safety_mode_name}, {state.robot_mode_name}"
        if self._held:
            if self._control.is_taken:
                raise ControlLostError(self._held)
        elif not self._control.is_taken:
            self._control.take()
            self._seen_running = time.monotonic() + SETTLE_TIME
        elif self._control.failure:
            raise ConnectionError(self._control.failure)
        elif state.program_running or not self._control.is_ready:
            self._seen_running = max(self._seen_running, time.monotonic())
            self._control.kick()
        elif time.monotonic() - self._seen_running > EXPLANATION_TIME:
            raise ControlLostError("the control program was stopped")
