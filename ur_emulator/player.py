"""Plays the commands of a controller that runs in another process, in their order."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ur_emulator.gripper import FingerPlant
from ur_emulator.mechanics_link import Answer, Demand, Follow, MoveFingers
from ur_emulator.plant import ArmPlant

PAUSE = 1.0
"""Seconds without progress after which a motion counts as paused."""


class Player:
    """The mechanics' side of a link.

    Args:
        pipe: To a :class:`.mechanics_link.MechanicsLink`.
        arm: Follows the commands.
        fingers: Follow theirs.
        demands: What else the other side may ask for, by name.
    """

    def __init__(
        self,
        pipe: Connection,
        arm: ArmPlant,
        fingers: FingerPlant,
        demands: Mapping[str, Callable[..., None]],
    ) -> None:
        self._pipe = pipe
        self._arm = arm
        self._fingers = fingers
        self._demands = demands
        self._finger_number = 0
        self.joints: NDArray[np.float64] | None = None
        self._stood, self._travels = 0.0, False

    @property
    def at_rest(self) -> bool:
        """Whether arm and fingers rest, as far as they were told, and are not just held up in a motion."""
        stands = self._stood > (PAUSE if self._travels else 0.0)
        return stands and not self._fingers.is_moving()

    def wait(self, seconds: float) -> bool:
        """Wait for a command; False when none has come."""
        return self._pipe.poll(seconds)

    def play(self) -> None:
        """Do the next thing that is asked for, and answer. Raises EOFError or OSError when the other side has gone."""
        message: Any = self._pipe.recv()
        if isinstance(message, Follow):
            self._follow(message)
        elif isinstance(message, MoveFingers):
            self._finger_number = message.number
            self._fingers.start(message.opening, message.speed)
        elif isinstance(message, Demand):
            self._demands[message.name](**message.arguments)

    def _follow(self, command: Follow) -> None:
        stands = self.joints is not None and np.array_equal(command.joints, self.joints)
        self._stood = self._stood + command.duration if stands else 0.0
        self._travels, self.joints = command.travels, command.joints
        measured = self._arm.follow(command.joints, command.duration)
        self._fingers.advance(command.duration)
        opening, moves = self._fingers.opening(), self._fingers.is_moving()
        self._pipe.send(
            Answer(
                command.number,
                measured.joints,
                measured.speeds,
                measured.force,
                self._finger_number,
                opening,
                moves,
            )
        )
