"""The latest images of a camera, in pairs of color and depth."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field

from sensor_msgs.msg import Image

from impurity_grasp_ros.nodes.stamps import to_seconds


@dataclass
class Streams:
    """The latest images of both streams, paired by their stamps. Images may arrive during the search for a pair."""

    color: deque[Image] = field(default_factory=lambda: deque(maxlen=8))
    depth: deque[Image] = field(default_factory=lambda: deque(maxlen=8))
    arrived: int = 0
    """Number of depth images that have arrived so far."""

    def add_depth(self, message: Image) -> None:
        """Add a depth image."""
        self.depth.append(message)
        self.arrived += 1

    def pair(self, not_before: float, not_after: float, tolerance: float, after: int = 0) -> tuple[Image, Image] | None:
        """Find the newest complete frame whose stamp is within an interval.

        Args:
            not_before: Start of the interval, in seconds.
            not_after: End of the interval, in seconds.
            tolerance: Greatest difference in seconds between the stamps of the color and the depth image.
            after: Ignore this many depth images, counted from the first one that ever arrived.

        Returns:
            The color and the depth image, or None if there is no such frame.
        """
        newest = self.arrived  # read before the images: if one arrives now, old ones must not be numbered as new
        colors = self.color.copy()  # in one step: the deque may change during a loop over it
        for number, depth in enumerate(reversed(self.depth.copy())):
            stamp = to_seconds(depth.header.stamp)
            if newest - number <= after or not not_before <= stamp <= not_after:
                continue
            for color in reversed(colors):
                if abs(to_seconds(color.header.stamp) - stamp) <= tolerance:
                    return color, depth
        return None
