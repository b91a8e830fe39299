"""Interface between a running motion and its caller."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from impurity_grasp_ros.datatypes import Outcome


@dataclass
class Supervision:
    """Cancellation and feedback of a running primitive. All functions must return quickly.

    Attributes:
        canceled: Returns true once the motion has to stop; called at every poll of a motion.
        on_phase: Called with the name of each phase as it begins.
        on_clear: Called at most once, before the end: nothing in the workspace is touched any more and no part of the
            robot hides it from the camera. Receives the outcome that the primitive will have unless a fault prevents
            its end.
    """

    canceled: Callable[[], bool] = lambda: False
    on_phase: Callable[[str], None] = lambda phase: None
    on_clear: Callable[[Outcome], None] | None = None
