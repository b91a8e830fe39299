"""Our program on a UR controller: commands through ur_rtde, one after the other, in a thread of their own.

The library waits for the controller in busy loops, sometimes for seconds. The thread that reads the robot's state must
not wait for that, and such a loop must never run with real-time priority, because it would starve every other process.
So every call that talks to the program is made from a thread with ordinary scheduling.
"""

from __future__ import annotations

import contextlib
import queue
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.priority import ordinary_thread

KICK_PERIOD = 0.02
"""Seconds at least between two signs of life to the controller's watchdog."""

STOP_PATIENCE = 0.1
"""Seconds that a stop waits for the command under way; then the whole program is stopped."""


@dataclass(frozen=True)
class Request:
    """A call from the parent process: a public method of :class:`UrCommands` and its arguments."""

    number: int
    method: str
    arguments: tuple[Any, ...]


@dataclass(frozen=True)
class Reply:
    """What a call gave, or why it failed."""

    number: int
    value: Any
    error: str


class UrControl:
    """Control over an arm, taken once: a new connection never repeats a command.

    Args:
        host: The controller's address.
        config: Payload and watchdog that the program starts with.
        tool_length: Meters from the flange to the tool center point.
        reply: Takes the answer to a request; called from the thread.
    """

    def __init__(self, host: str, config: UrConfig, tool_length: float, reply: Callable[[Reply], None]) -> None:
        self._host = host
        self._config = config
        self._tool_length = tool_length
        self._reply = reply
        self._requests: queue.SimpleQueue[tuple[int, Request] | None] = queue.SimpleQueue()  # None: kick the watchdog
        self._busy = threading.Lock()  # held while the library talks to the program
        self._stops = 0
        self._kicked = 0.0
        self._thread: threading.Thread | None = None
        self._commands: UrCommands | None = None
        self.failure = ""
        self.has_program = False  # of ours on the controller: nobody else's must be stopped

    @property
    def is_taken(self) -> bool:
        """Whether taking control has begun."""
        return self._thread is not None

    @property
    def is_running(self) -> bool:
        """Whether our program runs."""
        return self._commands is not None and self._commands.library.isProgramRunning()

    @property
    def is_ready(self) -> bool:
        """Whether the program takes commands."""
        return self._commands is not None

    def take(self) -> None:
        """Upload the program, in the thread; :attr:`failure` says if that was not possible."""
        self._thread = threading.Thread(target=self._work, name="ur_control", daemon=True)
        self._thread.start()

    def progress(self) -> tuple[int, bool]:
        """How many motions were started, and whether the last one is under way."""
        return (0, False) if self._commands is None else self._commands.progress()

    def submit(self, request: Request) -> None:
        """Carry out a request after the ones before; those still waiting when the arm is stopped are refused."""
        if self._commands is None:
            self._reply(Reply(request.number, None, "expected control over the arm, there is none"))
        else:
            self._requests.put((self._stops, request))

    def kick(self) -> None:
        """Tell the controller's watchdog that we live; a command under way does that by itself."""
        if self._requests.empty() and time.monotonic() - self._kicked > KICK_PERIOD:
            self._kicked = time.monotonic()
            self._requests.put(None)

    def stop(self, number: int) -> None:
        """Stop the arm, without waiting for it to rest; overtakes what is under way. number: of the request."""
        self._stops += 1
        threading.Thread(target=self._stop, args=(number,), name="ur_stop", daemon=True).start()

    def end(self) -> None:
        """Stop the arm, then the program; waits for both, in the calling thread."""
        ordinary_thread()
        if self._commands is not None and self._busy.acquire(timeout=STOP_PATIENCE):
            with contextlib.suppress(Exception):  # of whatever kind: the caller stops the program by other means
                self._commands.library.stopJ(self._config.stop_deceleration)
                self._commands.library.stopScript()

    def _stop(self, number: int) -> None:
        ordinary_thread()
        if not self._busy.acquire(timeout=STOP_PATIENCE):
            self.failure = "expected the command under way to let a stop through, it does not return"
            return
        with self._failing():
            try:
                if self._commands is not None:
                    self._commands.stop()
            finally:
                self._busy.release()
            self._reply(Reply(number, None, ""))

    def _work(self) -> None:
        ordinary_thread()
        with self._failing():
            self._commands = self._take()
            while True:
                if task := self._requests.get():
                    self._reply(self._answer(*task))
                else:
                    with self._busy:
                        self._commands.library.kickWatchdog()

    @contextlib.contextmanager
    def _failing(self) -> Iterator[None]:
        """Whatever the library raises becomes the reason with which the process ends."""
        try:
            yield
        except Exception as error:
            self.failure = str(error) or type(error).__name__

    def _answer(self, stops: int, request: Request) -> Reply:
        with self._busy:
            if stops != self._stops:
                return Reply(request.number, None, "the arm was stopped first")
            try:
                return Reply(request.number, getattr(self._commands, request.method)(*request.arguments), "")
            except Exception as error:  # answered, and the process goes on
                return Reply(request.number, None, str(error) or type(error).__name__)

    def _take(self) -> UrCommands:
        from rtde_control import RTDEControlInterface

        library, config = RTDEControlInterface(self._host), self._config
        self.has_program = True
        accepted = (
            library.setTcp([0.0, 0.0, self._tool_length, 0.0, 0.0, 0.0])
            and library.setPayload(config.payload, list(config.payload_center))
            and library.setWatchdog(config.watchdog_frequency)
        )
        if not accepted:
            raise RuntimeError("expected the controller to take tool, payload and watchdog, it did not")
        return UrCommands(library, config)


class UrCommands:
    """What the program can be told. Public methods can be called from the parent process."""

    def __init__(self, library: Any, config: UrConfig) -> None:
        self.library = library
        self._config = config
        self._lock = threading.Lock()
        self._motions = 0
        self._moving = False
        self._finished = -1

    def progress(self) -> tuple[int, bool]:
        """How many motions were started, and whether the last one is under way."""
        with self._lock:
            self._moving = self._moving and self.library.isProgramRunning() and not self._has_finished()
            return self._motions, self._moving

    def start_joint_motion(self, joints: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in joint space; returns its number."""
        return self._start(lambda: self.library.moveJ(joints, speed, acceleration, True))

    def start_linear_motion(self, pose: list[float], speed: float, acceleration: float) -> int:
        """Start a motion that is straight in Cartesian space; returns its number."""
        if not self._confirmed(lambda: self.library.isPoseWithinSafetyLimits(pose)):
            raise ValueError(f"expected a pose within the safety limits, received {pose}")
        self.library.kickWatchdog()
        return self._start(lambda: self.library.moveL(pose, speed, acceleration, True))

    def inverse_kinematics(self, pose: list[float], near: list[float]) -> list[float] | None:
        """Joint angles for a pose, or None."""
        if not self._confirmed(lambda: self.library.getInverseKinematicsHasSolution(pose, near)):
            return None
        self.library.kickWatchdog()
        joints = list(self.library.getInverseKinematics(pose, near))
        return joints if len(joints) == 6 else None

    def set_payload(self, mass: float, center: list[float]) -> None:
        """Mass in kg at the flange, its center of gravity in m from it."""
        if not self.library.setPayload(mass, center):
            raise RuntimeError(f"expected the controller to take a payload of {mass} kg, it did not")

    def stop(self) -> None:
        """Stop the arm. Without waiting for it, as the watchdog has to be kicked meanwhile."""
        with self._lock:
            self._moving = False
        self.library.stopJ(self._config.stop_deceleration, True)

    def _confirmed(self, question: Callable[[], bool]) -> bool:
        """Whether the controller says yes. A no may also mean that no answer has arrived, so it is asked for twice."""
        if question():
            return True
        self.library.kickWatchdog()
        return question()

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
        """By the library's rule: negative, and another value than before the motion."""
        progress = self.library.getAsyncOperationProgress()
        return bool(progress < 0 and progress != self._finished)
