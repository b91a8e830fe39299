"""A Robotiq 2F-85 behind the socket of its URCap on port 63352 (registers: Robotiq, 2F-85 manual)."""

from __future__ import annotations

from enum import IntEnum
from typing import Protocol

import numpy as np

STROKE = 0.085
"""Distance in meters between the pads of the open 2F-85 (data sheet)."""

OPEN_COUNT, CLOSED_COUNT = 3, 230
"""Position register of fully open and fully closed fingers, which varies a little from gripper to gripper."""

SLOWEST, FASTEST = 0.020, 0.150
"""Finger speed in m/s at speed register 0 and 255 (data sheet)."""

ACTIVATION_TIME = 1.5
"""Seconds that the activation takes, in which the real gripper opens and closes once."""

MINOR_FAULTS = (8, 9)
"""Fault register: too hot, no communication. They end with their cause; a reset has no effect."""

RESET_FAULTS = (10, 12, 13, 14, 15)
"""Fault register: voltage, internal, activation, overcurrent, released. They last until a reset (rACT to 0, to 1)."""

MINOR_FAULT_TIME = 2.0
"""Seconds that the cause of a minor fault lasts, unless it is permanent."""


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
    """The mechanics of the fingers. An opening is the distance between the pads in meters."""

    def start(self, opening: float, speed: float) -> None:
        """Start to move toward an opening with ``speed`` m/s; the fingers stall on what is in the way."""
        ...

    def advance(self, duration: float) -> None:
        """Advance time by ``duration`` seconds."""
        ...

    def opening(self) -> float:
        """Present opening in meters."""
        ...

    def is_moving(self) -> bool:
        """Whether the fingers are making progress."""
        ...


class IdealFingers:
    """``FingerPlant`` that moves with exactly the commanded speed.

    Args:
        stroke: Largest opening in meters, at which the fingers start.

    Attributes:
        obstacle: Opening in meters at which closing fingers stall; None for nothing in between.
    """

    def __init__(self, stroke: float = STROKE) -> None:
        self.obstacle: float | None = None
        self._opening = self._target = stroke
        self._speed = SLOWEST

    def start(self, opening: float, speed: float) -> None:
        """See :meth:`FingerPlant.start`."""
        self._target, self._speed = opening, speed

    def advance(self, duration: float) -> None:
        """See :meth:`FingerPlant.advance`."""
        step = self._speed * duration
        self._opening += min(max(self._reachable() - self._opening, -step), step)

    def opening(self) -> float:
        """See :meth:`FingerPlant.opening`."""
        return self._opening

    def is_moving(self) -> bool:
        """See :meth:`FingerPlant.is_moving`."""
        return self._opening != self._reachable()

    def _reachable(self) -> float:
        """The opening at which the present movement ends."""
        if self.obstacle is None or self._opening < self.obstacle:
            return self._target
        return max(self._target, self.obstacle)


class UrcapGripper:
    """The registers of the gripper, and the effects of writing them.

    Args:
        fingers: The mechanics of the fingers.
        stroke: Opening in meters that corresponds to the position register of open fingers.

    Attributes:
        fingers: The mechanics of the fingers.
        status: Register STA.
        fault: Register FLT, 0 for no fault.
        activates: Whether an activation that was requested ends; False emulates one that never does.
        answers: Whether requests are answered; False emulates a silent gripper.
    """

    def __init__(self, fingers: FingerPlant, stroke: float = STROKE) -> None:
        self.fingers = fingers
        self._stroke = stroke
        self._registers = dict.fromkeys(("ACT", "GTO", "ATR", "ARD", "FOR", "SPE", "POS", "SID"), 0)
        self.status = Status.RESET
        self._activation = 0.0
        self._goal = stroke
        self._jammed = False
        self._jam_opening: float | None = None
        self.fault = 0
        self._fault_time_left = np.inf
        self._fault_is_permanent = False
        self.activates = True
        self.answers = True

    def handle(self, line: str) -> bytes:
        """Answer ``GET VAR`` or ``SET VAR n [VAR n]``; ``?`` for any other line, nothing while silent."""
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
            self._apply_registers()
            return b"ack"
        return b"?\n"

    def power_cycle(self) -> None:
        """Switch power off and on; the gripper loses its activation."""
        self._registers = dict.fromkeys(self._registers, 0)
        self._apply_registers()

    def fail(self, number: int, *, stays: bool = False) -> None:
        """Set or clear a fault, and stop the fingers.

        A minor fault ends by itself after :data:`MINOR_FAULT_TIME`, a fault that needs a reset ends with the next
        reset, and any other fault only with ``fail(0)``.

        Args:
            number: Register FLT; 0 clears the fault.
            stays: Whether the cause is permanent, so that only ``fail(0)`` ends the fault.
        """
        self.fault, self._fault_is_permanent = number, stays
        self._fault_time_left = MINOR_FAULT_TIME if number in MINOR_FAULTS and not stays else np.inf
        if number:
            self.fingers.start(self.fingers.opening(), SLOWEST)

    def jam(self, opening: float | None = None, *, on: bool = True) -> None:
        """Jam or free the fingers.

        Args:
            opening: Opening in meters to which jammed fingers move whatever is commanded; None for where they are.
            on: Whether the fingers are jammed.
        """
        self._jammed, self._jam_opening = on, None if opening is None else float(opening)
        if on:
            self._move_fingers(self.fingers.opening(), SLOWEST)

    def advance(self, duration: float) -> None:
        """Advance time by ``duration`` seconds."""
        self._fault_time_left -= duration
        if self._fault_time_left <= 0.0:
            self.fail(0)
        if self.status is Status.ACTIVATING and self.activates:
            self._activation += duration
            if self._activation >= ACTIVATION_TIME:
                self.status = Status.ACTIVE
        self.fingers.advance(duration)

    def object_state(self) -> ObjectState:
        """Register OBJ: whether the fingers move, have arrived or have stalled."""
        if self.fingers.is_moving():
            return ObjectState.MOVING
        difference = self.fingers.opening() - self._goal
        if abs(difference) < self._stroke / (CLOSED_COUNT - OPEN_COUNT):
            return ObjectState.AT_TARGET
        return ObjectState.STALLED_CLOSING if difference > 0 else ObjectState.STALLED_OPENING

    def _read(self, name: str) -> int | None:
        measured = {
            "POS": count_of(self.fingers.opening(), self._stroke),
            "STA": int(self.status),
            "OBJ": int(self.object_state()),
            "FLT": self.fault,
            "PRE": self._registers["POS"],
        }
        return measured.get(name, self._registers.get(name))

    def _apply_registers(self) -> None:
        if not self._registers["ACT"]:
            self.status, self._activation = Status.RESET, 0.0
            if self.fault in RESET_FAULTS and not self._fault_is_permanent:
                self.fail(0)
        elif self.status is Status.RESET:
            self.status = Status.ACTIVATING
        if self._registers["GTO"] and self.status is Status.ACTIVE and not self.fault:
            self._goal = opening_of(self._registers["POS"], self._stroke)
            self._move_fingers(self._goal, SLOWEST + (FASTEST - SLOWEST) * self._registers["SPE"] / 255)

    def _move_fingers(self, opening: float, speed: float) -> None:
        if self._jammed:
            opening = self.fingers.opening() if self._jam_opening is None else self._jam_opening
        self.fingers.start(opening, speed)


def count_of(opening: float, stroke: float = STROKE) -> int:
    """Convert an opening in meters to the position register."""
    return round(CLOSED_COUNT - (CLOSED_COUNT - OPEN_COUNT) * opening / stroke)


def opening_of(count: int, stroke: float = STROKE) -> float:
    """Convert a position register to an opening in meters; counts beyond open or closed are limited."""
    closed = (min(max(count, OPEN_COUNT), CLOSED_COUNT) - OPEN_COUNT) / (CLOSED_COUNT - OPEN_COUNT)
    return stroke * (1.0 - closed)
