"""What the caller of a motion sees and controls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Supervision:
    """What the caller sees and controls of a running primitive. Both functions are called often and must be quick."""

    canceled: Callable[[], bool] = lambda: False
    on_phase: Callable[[str], None] = lambda phase: None
