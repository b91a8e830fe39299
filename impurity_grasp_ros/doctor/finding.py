"""What a check has found."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple


class Level(Enum):
    """How bad it is."""

    OK = "ok"
    WARNING = "warning"
    """It works, but not as well as it could, or it may fail later."""
    FAULT = "fault"
    """It does not work."""


class Finding(NamedTuple):
    """What a check has found.

    Attributes:
        check: What was checked.
        level: How bad it is.
        found: What was found, with units.
        cure: What to do about it; empty if nothing has to be done.
    """

    check: str
    level: Level
    found: str
    cure: str = ""


def ok(check: str, found: str) -> Finding:
    """Nothing is wrong."""
    return Finding(check, Level.OK, found)


def warning(check: str, found: str, cure: str) -> Finding:
    """It works, but not as well as it could, or it may fail later."""
    return Finding(check, Level.WARNING, found, cure)


def fault(check: str, found: str, cure: str) -> Finding:
    """It does not work."""
    return Finding(check, Level.FAULT, found, cure)
