"""The emulated controller in a process of its own, with a clock of its own and priority where that is permitted."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import multiprocessing
import signal
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from multiprocessing.connection import Connection

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.priority import raise_priority
from ur_emulator.controller import Controller
from ur_emulator.mechanics_link import MechanicsLink, RemoteFingers
from ur_emulator.personality import personality
from ur_emulator.server import EmulatedCell

START_LIMIT = 60.0
"""Seconds within which the process serves its ports."""

END_LIMIT = 2.0
"""Seconds that it gets to end by itself."""


@dataclass(frozen=True)
class Serving:
    """The ports are open. priority: what the system has granted."""

    priority: str


@dataclass(frozen=True)
class Failed:
    """They could not be opened."""

    reason: str


class ControllerProcess:
    """A running controller. ``pipe`` leads to it, for a :class:`.player.Player`.

    Args:
        host: Address on which the ports are served.
        generation: ``cb3`` or ``e-series``.
        joints: Joint angles (6,) in rad at which the arm rests.
        demands: Requests that the control port passes on, by name.
    """

    def __init__(self, host: str, generation: str, joints: NDArray[np.float64], demands: Sequence[str]) -> None:
        """Raises ConfigError when the ports cannot be served."""
        context = multiprocessing.get_context("spawn")
        self.pipe, theirs = context.Pipe()
        arguments = (theirs, host, generation, joints, tuple(demands))
        self._process = context.Process(target=serve, args=arguments, name="ur_controller", daemon=True)
        self._process.start()
        theirs.close()
        try:
            self.priority = self._await_serving(host)
        except (ConfigError, EOFError):
            self.close()
            raise

    @property
    def pid(self) -> int:
        """Of the process."""
        return self._process.pid or 0

    def _await_serving(self, host: str) -> str:
        """The priority that the process runs with, once it serves; what it commands before that may be lost."""
        while self.pipe.poll(START_LIMIT):
            message = self.pipe.recv()
            if isinstance(message, Failed):
                raise ConfigError(f"expected free ports on {host}: {message.reason}")
            if isinstance(message, Serving):
                return message.priority
        raise ConfigError(f"expected the emulated controller to start within {START_LIMIT:g} s, it did not")

    def close(self) -> None:
        """End the process; without a pipe it does so by itself."""
        self.pipe.close()
        self._process.join(END_LIMIT)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()


def serve(pipe: Connection, host: str, generation: str, joints: NDArray[np.float64], demands: Sequence[str]) -> None:
    """Entry point of the process. Ends when the other end of the pipe is closed."""
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)  # the parent decides, and closes the pipe
    link = MechanicsLink(pipe, joints)
    controller = Controller(personality(generation), link, joints)
    link.travels = lambda: controller.travels
    faults = {name: partial(link.demand, name) for name in demands}
    cell = EmulatedCell(controller, RemoteFingers(link), host, faults)
    priority = raise_priority()
    gc.freeze()  # what is there stays: collections need not look at it again
    try:
        with contextlib.suppress(EOFError, BrokenPipeError, ConnectionResetError):  # the parent has ended
            asyncio.run(cell.run(partial(pipe.send, Serving(priority))))
    except OSError as error:
        pipe.send(Failed(str(error)))
