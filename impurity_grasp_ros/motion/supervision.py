"""Interface between a running motion and its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass
class Supervision:
    """Cancellation and feedback of a running primitive. Both functions must return quickly.

    Attributes:
        canceled: Returns true once the motion has to stop; called at every poll of a motion.
        on_phase: Called with the name of each phase as it begins.
    """

    canceled: Callable[[], bool] = lambda: False
    on_phase: Callable[[str], None] = lambda phase: None
