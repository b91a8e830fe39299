"""Notices that the next batch of goods has come: told by a topic, or seen by the camera."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from std_msgs.msg import Empty

from impurity_grasp.msg import Heightmap as HeightmapMsg
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.errors import ReportedError
from impurity_grasp_ros.nodes.conversions import from_heightmap
from impurity_grasp_ros.nodes.execution import VIEW_CODES
from impurity_grasp_ros.nodes.job import Job
from impurity_grasp_ros.nodes.peers import Peers
from impurity_grasp_ros.nodes.runtime import BATCH_TOPIC, Pacer
from impurity_grasp_ros.perception.changes import changed_area

PERIOD = 0.1
"""Seconds between checks while waiting."""


@dataclass(frozen=True)
class BatchConfig:
    """How the next batch of a continuous job is noticed, besides a message on topic ``batch``."""

    by_camera: bool = parameter("begin, too, when goods were put down or taken away and now lie still")
    look_period: float = parameter("s between the views for it", low=0.1, high=60.0)
    min_height: float = parameter("m by which a cell must become higher or lower", low=0.002, high=0.1)
    min_area: float = parameter("m2 of such cells that are a change", low=0.0, high=0.1)


class Batches:
    """Waits for the next batch. A message that comes during a batch is about the next one.

    Args:
        node: The node that waits.
        peers: The other nodes.
        config: Returns the current settings.
    """

    def __init__(self, node: Node, peers: Peers, config: Callable[[], BatchConfig]) -> None:
        self._node = node
        self._peers = peers
        self._config = config
        self._pacer = Pacer(node, PERIOD)
        self._is_announced = False
        node.create_subscription(Empty, BATCH_TOPIC, self._on_message, 10, callback_group=ReentrantCallbackGroup())

    def _on_message(self, _message: Empty) -> None:
        self._is_announced = True

    async def arrived(self, job: Job, last: HeightmapMsg | None) -> None:
        """Wait for the next batch.

        Args:
            job: The job that waits; it is over if one of its checks raises an error.
            last: The view that showed a clear workspace; None if there is none.

        Raises:
            ReportedError: The camera has failed.
            PeerUnavailableError: Another node of the cell is gone.
        """
        changes = Changes(self._config(), from_heightmap(last) if last else None)
        next_look = time.monotonic()
        job.wait_for_batch()
        while not self._is_announced:
            job.watch()
            await self._pacer.tick()
            if self._config().by_camera and time.monotonic() > next_look:
                next_look = time.monotonic() + self._config().look_period
                view = await self._view(job)
                if view is not None and changes.show_a_batch(view):
                    break
        self._is_announced = False

    async def _view(self, job: Job) -> Heightmap | None:
        """A view from now on, as that of a new job; None if it cannot be used, such as with a hand in it."""
        try:
            return from_heightmap(await self._peers.observe(self._node.get_clock().now().to_msg(), True, job.watch))
        except ReportedError as error:
            if error.code not in VIEW_CODES:
                raise
            return None


class Changes:
    """Compares views with the one at the end of a batch.

    Args:
        config: What counts as a change.
        reference: The view at the end of the batch; None for the first one that is shown.
    """

    def __init__(self, config: BatchConfig, reference: Heightmap | None) -> None:
        self._config = config
        self._reference = self._latest = reference

    def show_a_batch(self, view: Heightmap) -> bool:
        """Whether goods were put down or taken away since the batch, and lie as in the view before."""
        if self._reference is None or self._latest is None:
            self._reference = self._latest = view
            return False
        latest, self._latest = self._latest, view
        return self._differ(self._reference, view) and not self._differ(latest, view)

    def _differ(self, before: Heightmap, after: Heightmap) -> bool:
        return changed_area(before, after, self._config.min_height) > self._config.min_area
