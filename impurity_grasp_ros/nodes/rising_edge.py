"""Notices the rising edges of a digital signal that is read again and again."""


class RisingEdge:
    """A signal that is high from the start has not risen."""

    def __init__(self) -> None:
        self._level = True

    def is_at(self, level: bool) -> bool:
        """Return whether the signal has risen since the last reading.

        Args:
            level: Its level now.
        """
        before, self._level = self._level, level
        return level and not before
