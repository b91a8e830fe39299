"""Runs the emulator with raised scheduling priority, in this process or in one of its own."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import signal
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.priority import raise_priority
from ur_emulator.controller import Controller
from ur_emulator.errors import EmulatorStartError
from ur_emulator.gripper import STROKE, UrcapGripper
from ur_emulator.mechanics_link import MechanicsLink, RemoteFingers
from ur_emulator.personality import Personality
from ur_emulator.server import EmulatorServer

START_LIMIT = 60.0
"""Seconds within which a process must serve its ports."""

END_LIMIT = 2.0
"""Seconds that a process gets to end by itself."""


@dataclass(frozen=True)
class Ready:
    """The ports are open. priority: the scheduling that the system has granted."""

    priority: str


@dataclass(frozen=True)
class StartFailure:
    """The ports could not be opened."""

    reason: str


class ControlProcess:
    """A process that commands mechanics of this process. Its clock does not depend on how fast the mechanics are.

    Args:
        serve: Entry point of the process, which has to send :class:`Ready` or :class:`StartFailure` and to return when
            the other end of the pipe is closed. It receives its end of the pipe and ``arguments``.
        arguments: Further arguments of ``serve``.

    Attributes:
        pipe: Connection for a :class:`~ur_emulator.mechanics_server.MechanicsServer`.
        priority: The scheduling that the system has granted, as :func:`impurity_grasp_ros.priority.raise_priority`.

    Raises:
        EmulatorStartError: The process could not begin to serve.
        EOFError: The process ended while it started.
    """

    def __init__(self, serve: Callable[..., None], *arguments: Any) -> None:
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        self._process = context.Process(target=serve, args=(theirs, *arguments), name="ur_controller", daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.priority = self._await_ready()
        except (EmulatorStartError, EOFError):
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid or 0

    def _await_ready(self) -> str:
        """Wait until the process serves; commands that arrive before are dropped."""
        while self.pipe.poll(START_LIMIT):
            message = self.pipe.recv()
            if isinstance(message, StartFailure):
                raise EmulatorStartError(message.reason)
            if isinstance(message, Ready):
                return message.priority
        raise EmulatorStartError(f"expected the emulated controller to start within {START_LIMIT:g} s, it did not")

    def close(self) -> None:
        """Close the pipe, which ends the process."""
        self.pipe.close()
        self._process.join(END_LIMIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


class ControllerProcess(ControlProcess):
    """The emulator in a process of its own, for mechanics that this process simulates.

    Args:
        host: Address on which the ports are served.
        personality: Generation of the controller.
        joints: Initial joint angles, (6,) rad.
        requests: Names of requests to the fault port that are forwarded to the mechanics.
        stroke: Stroke of the gripper in meters.

    Raises:
        EmulatorStartError: The ports cannot be served.
        EOFError: The process ended while it started.
    """

    def __init__(
        self,
        host: str,
        personality: Personality,
        joints: NDArray[np.float64],
        requests: Sequence[str] = (),
        stroke: float = STROKE,
    ) -> None:
        super().__init__(serve_remote, host, personality, joints, tuple(requests), stroke)


def serve_remote(
    pipe: Connection,
    host: str,
    personality: Personality,
    joints: NDArray[np.float64],
    requests: Sequence[str],
    stroke: float,
) -> None:
    """Entry point of a :class:`ControllerProcess`; returns when the other end of the pipe is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides, and closes the pipe
    link = MechanicsLink(pipe, joints, stroke)
    controller = Controller(personality, link, joints)
    link.in_motion = lambda: controller.arm.in_motion
    handlers = {name: partial(link.request, name) for name in requests}
    server = EmulatorServer(controller, UrcapGripper(RemoteFingers(link), stroke), host, handlers)
    try:
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent has ended
            serve(server, lambda priority: pipe.send(Ready(priority)))
    except OSError as error:
        pipe.send(StartFailure(f"expected free ports on {host}: {error}"))


def serve(server: EmulatorServer, ready: Callable[[str], None], stop_signals: Sequence[signal.Signals] = ()) -> None:
    """Serve in this process, with raised priority where the system permits it, until a signal arrives.

    Args:
        server: The emulator.
        ready: Called once all ports are open, with the scheduling that the system has granted.
        stop_signals: Signals after which this function returns.

    Raises:
        OSError: A port is taken, or the address is not one of this machine.
    """
    priority = raise_priority()
    gc.freeze()  # existing objects stay alive: the garbage collector can skip them
    asyncio.run(_until_signal(server.run(lambda: ready(priority)), stop_signals))


async def _until_signal(serving: Coroutine[Any, Any, None], stop_signals: Sequence[signal.Signals]) -> None:
    task = asyncio.ensure_future(serving)
    for number in stop_signals:
        asyncio.get_running_loop().add_signal_handler(number, task.cancel)
    with contextlib.suppress(asyncio.CancelledError):
        await task
