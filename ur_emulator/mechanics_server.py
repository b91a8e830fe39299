"""The other end of a :class:`~ur_emulator.mechanics_link.MechanicsLink`: carries out its commands in order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ur_emulator.gripper import FingerPlant
from ur_emulator.mechanics_link import Answer, CustomRequest, FingerCommand, FollowCommand
from ur_emulator.plant import ArmPlant

PAUSE = 1.0
"""Seconds without progress after which a motion counts as paused."""


class MechanicsServer:
    """Moves an arm and a gripper as a controller in another process commands.

    Args:
        pipe: Connected to a :class:`~ur_emulator.mechanics_link.MechanicsLink`.
        arm: Mechanics of the arm.
        fingers: Mechanics of the fingers.
        requests: Handlers of further requests of the fault port, by name.
    """

    def __init__(
        self,
        pipe: Connection,
        arm: ArmPlant,
        fingers: FingerPlant,
        requests: Mapping[str, Callable[..., None]],
    ) -> None:
        self._pipe = pipe
        self._arm = arm
        self._fingers = fingers
        self._requests = requests
        self._finger_number = 0
        self._joints: NDArray[np.float64] | None = None
        self._standing, self._in_motion = 0.0, False

    @property
    def at_rest(self) -> bool:
        """Whether arm and fingers are at rest. A motion without progress counts as paused after :data:`PAUSE`."""
        stands = self._standing > (PAUSE if self._in_motion else 0.0)
        return stands and not self._fingers.is_moving()

    def wait(self, seconds: float) -> bool:
        """Wait for a command; False when none has arrived in time."""
        return self._pipe.poll(seconds)

    def handle_next(self) -> None:
        """Receive the next command, carry it out and answer.

        Raises:
            EOFError: The other process has ended.
            OSError: As EOFError.
        """
        message: Any = self._pipe.recv()
        if isinstance(message, FollowCommand):
            self._follow(message)
        elif isinstance(message, FingerCommand):
            self._finger_number = message.number
            self._fingers.start(message.opening, message.speed)
        elif isinstance(message, CustomRequest):
            self._requests[message.name](**message.arguments)

    def _follow(self, command: FollowCommand) -> None:
        stands = self._joints is not None and np.array_equal(command.joints, self._joints)
        self._standing = self._standing + command.duration if stands else 0.0
        self._in_motion, self._joints = command.in_motion, command.joints
        measured = self._arm.follow(command.joints, command.duration)
        self._fingers.advance(command.duration)
        opening, moving = self._fingers.opening(), self._fingers.is_moving()
        self._pipe.send(
            Answer(
                command.number,
                measured.joints,
                measured.speeds,
                measured.force,
                self._finger_number,
                opening,
                moving,
            )
        )
