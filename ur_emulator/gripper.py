"""A Robotiq 2F-85 behind the socket of its URCap (Robotiq, 2F-85 manual, registers; port 63352)."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import numpy as np

from impurity_grasp_ros.constants import GRIPPER_STROKE

OPEN_COUNT, CLOSED_COUNT = 3, 230
"""Position register of fully open and fully closed fingers, which differ a little from gripper to gripper."""

SLOWEST, FASTEST = 0.020, 0.150
"""Finger speed in m/s at speed register 0 and 255 (data sheet)."""

ACTIVATION_TIME = 1.5
"""Seconds of opening and closing once when the gripper is activated."""

MINOR_FAULTS = (8, 9)
"""Fault register: too hot, no communication. They end with their cause, and a reset does not help."""

RESET_FAULTS = (10, 12, 13, 14, 15)
"""Fault register: voltage, internal, activation, overcurrent, released. They last until a reset (rACT to 0, to 1)."""

MINOR_FAULT_TIME = 2.0
"""Seconds that the cause of a minor fault lasts, unless it stays."""


class Status(IntEnum):
    """Register STA."""

    RESET = 0
    ACTIVATING = 1
    ACTIVE = 3


class ObjectState(IntEnum):
    """Register OBJ."""

    MOVING = 0
    STALLED_OPENING = 1
    STALLED_CLOSING = 2
    AT_TARGET = 3


class FingerPlant(Protocol):
    """The mechanics of the fingers. Openings in metres between the pads."""

    def start(self, opening: float, speed: float) -> None:
        """Move towards an opening with m/s; stall on what is in the way."""
        ...

    def advance(self, duration: float) -> None:
        """Let seconds pass."""
        ...

    def opening(self) -> float:
        """Distance between the pads."""
        ...

    def is_moving(self) -> bool:
        """Whether the fingers make progress."""
        ...


class IdealFingers:
    """``FingerPlant`` whose fingers stall at ``obstacle`` metres, if that is set."""

    def __init__(self) -> None:
        self.obstacle: float | None = None
        self._opening = self._target = GRIPPER_STROKE
        self._speed = SLOWEST

    def start(self, opening: float, speed: float) -> None:
        """Move towards an opening."""
        self._target, self._speed = opening, speed

    def advance(self, duration: float) -> None:
        """Let time pass."""
        step = self._speed * duration
        self._opening += min(max(self._goal() - self._opening, -step), step)

    def opening(self) -> float:
        """Distance between the pads."""
        return self._opening

    def is_moving(self) -> bool:
        """Whether the fingers make progress."""
        return self._opening != self._goal()

    def _goal(self) -> float:
        if self.obstacle is None or self._opening < self.obstacle:
            return self._target
        return max(self._target, self.obstacle)


class UrcapGripper:
    """The registers, and what writing them sets off."""

    def __init__(self, fingers: FingerPlant) -> None:
        self._fingers = fingers
        self._registers = dict.fromkeys(("ACT", "GTO", "ATR", "ARD", "FOR", "SPE", "POS", "SID"), 0)
        self.status = Status.RESET
        self._activation = 0.0
        self._goal = GRIPPER_STROKE
        self._jammed = False
        self._jam_opening: float | None = None
        self.fault = 0
        self._fault_ends = np.inf
        self._fault_stays = False
        self.activates = True
        self.answers = True

    def handle(self, line: str) -> bytes:
        """The answer to ``GET VAR`` or ``SET VAR n [VAR n]``; ``?`` to anything else, nothing while silent."""
        words = line.split()
        if not self.answers:
            return b""
        if len(words) == 2 and words[0] == "GET":
            value = self._read(words[1])
            return b"?\n" if value is None else f"{words[1]} {value}\n".encode()
        pairs = dict(zip(words[1::2], words[2::2], strict=False))
        valid = all(name in self._registers and number.isdecimal() for name, number in pairs.items())
        if words[:1] == ["SET"] and pairs and len(words) % 2 and valid:
            for name, number in pairs.items():
                self._registers[name] = min(int(number), 255)
            self._react(pairs.keys())
            return b"ack"
        return b"?\n"

    def power_cycle(self) -> None:
        """Lose power for a moment, and the activation with it."""
        self._registers = dict.fromkeys(self._registers, 0)
        self._react(self._registers.keys())

    def fail(self, number: int, *, stays: bool = False) -> None:
        """Report a fault, 0 for none, and stop the fingers.

        A minor fault ends by itself after :data:`MINOR_FAULT_TIME`, one that needs a reset with the next one, any other
        when told so. With ``stays`` its cause lasts: nothing ends it but a call with 0.
        """
        self.fault, self._fault_stays = number, stays
        self._fault_ends = MINOR_FAULT_TIME if number in MINOR_FAULTS and not stays else np.inf
        if number:
            self._fingers.start(self._fingers.opening(), SLOWEST)

    def jam(self, opening: float | None = None, *, on: bool = True) -> None:
        """The fingers go nowhere any more, or to ``opening`` metres whatever is asked for; ``on`` False frees them."""
        self._jammed, self._jam_opening = on, None if opening is None else float(opening)
        if on:
            self._move_fingers(self._fingers.opening(), SLOWEST)

    def advance(self, duration: float) -> None:
        """Let seconds pass."""
        self._fault_ends -= duration
        if self._fault_ends <= 0.0:
            self.fail(0)
        if self.status is Status.ACTIVATING and self.activates:
            self._activation += duration
            if self._activation >= ACTIVATION_TIME:
                self.status = Status.ACTIVE
        self._fingers.advance(duration)

    def object_state(self) -> ObjectState:
        """What the fingers have come to."""
        if self._fingers.is_moving():
            return ObjectState.MOVING
        short = self._fingers.opening() - self._goal
        if abs(short) < GRIPPER_STROKE / (CLOSED_COUNT - OPEN_COUNT):
            return ObjectState.AT_TARGET
        return ObjectState.STALLED_CLOSING if short > 0 else ObjectState.STALLED_OPENING

    def _read(self, name: str) -> int | None:
        measured = {
            "POS": count_of(self._fingers.opening()),
            "STA": int(self.status),
            "OBJ": int(self.object_state()),
            "FLT": self.fault,
            "PRE": self._registers["POS"],
        }
        return measured.get(name, self._registers.get(name))

    def _react(self, written: object) -> None:
        if not self._registers["ACT"]:
            self.status, self._activation = Status.RESET, 0.0
            if self.fault in RESET_FAULTS and not self._fault_stays:
                self.fail(0)
        elif self.status is Status.RESET:
            self.status = Status.ACTIVATING
        if self._registers["GTO"] and self.status is Status.ACTIVE and not self.fault:
            self._goal = opening_of(self._registers["POS"])
            self._move_fingers(self._goal, SLOWEST + (FASTEST - SLOWEST) * self._registers["SPE"] / 255)

    def _move_fingers(self, opening: float, speed: float) -> None:
        if self._jammed:
            opening = self._fingers.opening() if self._jam_opening is None else self._jam_opening
        self._fingers.start(opening, speed)


def count_of(opening: float) -> int:
    """The position register of an opening in metres."""
    return round(CLOSED_COUNT - (CLOSED_COUNT - OPEN_COUNT) * opening / GRIPPER_STROKE)


def opening_of(count: int) -> float:
    """The opening in metres that a position register asks for."""
    closed = (min(max(count, OPEN_COUNT), CLOSED_COUNT) - OPEN_COUNT) / (CLOSED_COUNT - OPEN_COUNT)
    return GRIPPER_STROKE * (1.0 - closed)
