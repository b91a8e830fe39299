"""Attention throughout a job, with what it remembers from view to view."""

from __future__ import annotations

from typing import Any

from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.belief import Belief


class JobAttention:
    """Attends to the views of one job.

    Args:
        memory: What the mode of attention knows before the first view; None for nothing.
    """

    def __init__(self, memory: Any = None) -> None:
        self._memory = memory
        self._belief = Belief()
        self._seen: tuple[Heightmap, Attention] | None = None

    def attend(self, heightmap: Heightmap, last: Attempt | None, config: AttentionConfig) -> Attention:
        """Find where to act next. After an error, everything is remembered as before it.

        Args:
            heightmap: The view.
            last: What was executed since the previous view; None for nothing.
            config: The mode and its settings.

        Returns:
            The attention.

        Raises:
            InvalidFrameError: The colors are not uint8 RGB.
            ViewIncompleteError: The state would be CLEAR, but a target may lie in a place that was not seen.
        """
        belief = self._belief
        if self._seen is not None and last is not None:
            before, seen = self._seen
            min_height = config.occlusion.min_object_height
            belief = belief.after(last, seen, (before, heightmap), config.hidden, min_height)
        attention, self._memory = attend(heightmap, self._memory, config, belief)
        self._belief, self._seen = belief, (heightmap, attention)
        return attention
