"""The controller's end of a pipe to mechanics that run in another process, possibly late.

Commands are numbered and sent without waiting for answers. Every answer names the command that it belongs to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ur_emulator.gripper import STROKE
from ur_emulator.plant import Measurement

MAX_UNANSWERED = 100
"""Largest number of unanswered commands; more would fill the pipe and block the controller."""

MAX_STANDING = 0.1
"""Seconds of commands of a resting arm that may be unanswered, so that the next motion starts without delay."""


@dataclass(frozen=True)
class FollowCommand:
    """Advance the arm.

    Attributes:
        number: Number of the command.
        joints: Commanded joint angles, (6,) rad.
        duration: Seconds to advance.
        in_motion: Whether a motion is in progress.
    """

    number: int
    joints: NDArray[np.float64]
    duration: float
    in_motion: bool


@dataclass(frozen=True)
class FingerCommand:
    """Move the fingers toward an opening in meters with ``speed`` m/s."""

    number: int
    opening: float
    speed: float


@dataclass(frozen=True)
class CustomRequest:
    """A request of the fault port that the process of the mechanics handles, by name."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """State of the mechanics after a command.

    Attributes:
        number: Number of the ``FollowCommand`` that was carried out.
        joints: Measured joint angles, (6,) rad.
        speeds: Measured joint speeds, (6,) rad/s.
        force: Force at the tool, (3,) N in the controller's base frame.
        finger_number: Number of the last ``FingerCommand`` that was carried out.
        opening: Opening of the fingers in meters.
        fingers_move: Whether the fingers are moving.
    """

    number: int
    joints: NDArray[np.float64]
    speeds: NDArray[np.float64]
    force: NDArray[np.float64]
    finger_number: int
    opening: float
    fingers_move: bool


class MechanicsLink:
    """``ArmPlant`` that sends commands through a pipe and receives answers.

    All methods raise EOFError or OSError when the other process has ended.

    Args:
        pipe: Connected to a :class:`~ur_emulator.mechanics_server.MechanicsServer`.
        joints: Initial joint angles, (6,) rad.
        opening: Initial opening of the fingers in meters.

    Attributes:
        answer: The last answer.
        in_motion: Returns whether a motion is in progress; to be set by the owner of the controller.
    """

    def __init__(self, pipe: Connection, joints: NDArray[np.float64], opening: float = STROKE) -> None:
        self._pipe = pipe
        self._number = self._finger_number = 0
        self._waiting: deque[FollowCommand] = deque()
        self._unanswered: deque[FollowCommand] = deque()
        self._last = self._commanded = joints
        self.in_motion: Callable[[], bool] = lambda: False
        self.answer = Answer(0, joints, np.zeros(6), np.zeros(3), 0, opening, fingers_move=False)

    @property
    def fingers_acknowledged(self) -> bool:
        """Whether the last answer includes the effect of the last command to the fingers."""
        return self.answer.finger_number == self._finger_number

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measurement:
        """Command joint angles, (6,) rad, for ``duration`` seconds.

        Returns:
            The last measurement that has arrived, without waiting.
        """
        is_late = len(self._unanswered) * duration >= MAX_STANDING
        if not (is_late and np.array_equal(joints, self._last)):  # a resting arm can skip time
            self._number += 1
            self._last = joints
            self._waiting.append(FollowCommand(self._number, joints, duration, self.in_motion()))
        self._receive()
        while self._waiting and len(self._unanswered) < MAX_UNANSWERED:
            self._pipe.send(self._waiting[0])
            self._unanswered.append(self._waiting.popleft())
        answer, behind = self.answer, (len(self._unanswered) + len(self._waiting)) * duration
        return Measurement(answer.joints, answer.speeds, answer.force, self._commanded, behind)

    def move_fingers(self, opening: float, speed: float) -> None:
        """Command an opening in meters and a speed in m/s."""
        self._finger_number += 1
        self._pipe.send(FingerCommand(self._finger_number, opening, speed))

    def request(self, name: str, **arguments: Any) -> None:
        """Forward a request of the fault port."""
        self._pipe.send(CustomRequest(name, arguments))

    def _receive(self) -> None:
        while self._pipe.poll():
            self.answer = self._pipe.recv()
            while self._unanswered and self._unanswered[0].number <= self.answer.number:
                self._commanded = self._unanswered.popleft().joints


class RemoteFingers:
    """``FingerPlant`` at the other end of a link. Fingers count as moving until their last command is acknowledged."""

    def __init__(self, link: MechanicsLink) -> None:
        self._link = link

    def start(self, opening: float, speed: float) -> None:
        """See :meth:`.gripper.FingerPlant.start`."""
        self._link.move_fingers(opening, speed)

    def advance(self, duration: float) -> None:
        """Do nothing: the time of the fingers passes with that of the arm."""

    def opening(self) -> float:
        """See :meth:`.gripper.FingerPlant.opening`."""
        return self._link.answer.opening

    def is_moving(self) -> bool:
        """See :meth:`.gripper.FingerPlant.is_moving`."""
        return self._link.answer.fingers_move or not self._link.fingers_acknowledged
