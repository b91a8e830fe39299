"""The controller's side of mechanics that are played in another process, which may be late.

Commands are numbered and go out without waiting. What comes back names the command that it belongs to.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import GRIPPER_STROKE
from ur_emulator.plant import Measured

MAX_UNANSWERED = 100
"""Commands that may be under way; more would fill the pipe and block the controller."""

MAX_STANDING = 0.1
"""Seconds of an arm that stands that may be under way: what comes next is not to wait for them."""


@dataclass(frozen=True)
class Follow:
    """Let ``duration`` seconds pass with joint angles (6,) rad commanded. travels: a motion is under way."""

    number: int
    joints: NDArray[np.float64]
    duration: float
    travels: bool


@dataclass(frozen=True)
class MoveFingers:
    """Move the fingers towards an opening in metres with m/s."""

    number: int
    opening: float
    speed: float


@dataclass(frozen=True)
class Demand:
    """Something that the control port asks of the mechanics, by name."""

    name: str
    arguments: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Answer:
    """What was measured after command ``number``, and of the fingers after their command ``finger_number``."""

    number: int
    joints: NDArray[np.float64]
    speeds: NDArray[np.float64]
    force: NDArray[np.float64]
    finger_number: int
    opening: float
    fingers_move: bool


class MechanicsLink:
    """Sends commands and takes in answers. Raises EOFError or OSError when the other side has gone.

    Args:
        pipe: To a :class:`.player.Player`.
        joints: Joint angles (6,) in rad at which the arm rests at the start.

    ``travels`` can be set to what tells whether a motion is under way.
    """

    def __init__(self, pipe: Connection, joints: NDArray[np.float64]) -> None:
        self._pipe = pipe
        self._number = self._finger_number = 0
        self._waiting: deque[Follow] = deque()
        self._under_way: deque[Follow] = deque()
        self._last = self._commanded = joints
        self.travels: Callable[[], bool] = lambda: False
        self.answer = Answer(0, joints, np.zeros(6), np.zeros(3), 0, GRIPPER_STROKE, fingers_move=False)

    @property
    def fingers_acknowledged(self) -> bool:
        """Whether the answer tells what the last command to the fingers has led to."""
        return self.answer.finger_number == self._finger_number

    def follow(self, joints: NDArray[np.float64], duration: float) -> Measured:
        """Command joint angles (6,) for ``duration`` seconds; returns what is known by now, without waiting."""
        is_late = len(self._under_way) * duration >= MAX_STANDING
        if not (is_late and np.array_equal(joints, self._last)):  # time of an arm that stands may be left out
            self._number += 1
            self._last = joints
            self._waiting.append(Follow(self._number, joints, duration, self.travels()))
        self._take_in()
        while self._waiting and len(self._under_way) < MAX_UNANSWERED:
            self._pipe.send(self._waiting[0])
            self._under_way.append(self._waiting.popleft())
        answer, behind = self.answer, (len(self._under_way) + len(self._waiting)) * duration
        return Measured(answer.joints, answer.speeds, answer.force, self._commanded, behind)

    def move_fingers(self, opening: float, speed: float) -> None:
        """Command the fingers."""
        self._finger_number += 1
        self._pipe.send(MoveFingers(self._finger_number, opening, speed))

    def demand(self, name: str, **arguments: Any) -> None:
        """Pass on what the control port asks for."""
        self._pipe.send(Demand(name, arguments))

    def _take_in(self) -> None:
        while self._pipe.poll():
            self.answer = self._pipe.recv()
            while self._under_way and self._under_way[0].number <= self.answer.number:
                self._commanded = self._under_way.popleft().joints


class RemoteFingers:
    """``FingerPlant`` protocol on a link. Fingers move until the other side has seen what they were told."""

    def __init__(self, link: MechanicsLink) -> None:
        self._link = link

    def start(self, opening: float, speed: float) -> None:
        """Move towards an opening."""
        self._link.move_fingers(opening, speed)

    def advance(self, duration: float) -> None:
        """Nothing: their time passes with the arm's."""

    def opening(self) -> float:
        """Distance between the pads."""
        return self._link.answer.opening

    def is_moving(self) -> bool:
        """Whether the fingers make progress, as far as is known."""
        return self._link.answer.fingers_move or not self._link.fingers_acknowledged
