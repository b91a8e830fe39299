"""A lifecycle node that destroys what it has created while configuring."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

from rclpy.lifecycle import LifecycleNode


class OwningNode(LifecycleNode):
    """A lifecycle node that owns what its methods ``create_...`` make within :meth:`owning`.

    Args:
        name: Name of the node.
        options: Keyword arguments of :class:`rclpy.node.Node`.
    """

    def __init__(self, name: str, **options: Any) -> None:
        self._resources = ExitStack()
        self._owning = False
        super().__init__(name, **options)

    @contextmanager
    def owning(self) -> Iterator[None]:
        """A time during which the node owns what it creates."""
        self._owning = True
        try:
            yield
        finally:
            self._owning = False

    def own(self, release: Callable[[], Any]) -> None:
        """Call a function when everything is released; the last one that was added is called first."""
        self._resources.callback(release)

    def release(self) -> None:
        """Destroy everything that the node owns."""
        self._resources.close()

    def create_publisher(self, *arguments: Any, **options: Any) -> Any:
        """See :class:`rclpy.node.Node`."""
        return self._owned(super().create_publisher(*arguments, **options), self.destroy_publisher)

    def create_subscription(self, *arguments: Any, **options: Any) -> Any:
        """See :class:`rclpy.node.Node`."""
        return self._owned(super().create_subscription(*arguments, **options), self.destroy_subscription)

    def create_service(self, *arguments: Any, **options: Any) -> Any:
        """See :class:`rclpy.node.Node`."""
        return self._owned(super().create_service(*arguments, **options), self.destroy_service)

    def create_client(self, *arguments: Any, **options: Any) -> Any:
        """See :class:`rclpy.node.Node`."""
        return self._owned(super().create_client(*arguments, **options), self.destroy_client)

    def create_timer(self, *arguments: Any, **options: Any) -> Any:
        """See :class:`rclpy.node.Node`."""
        return self._owned(super().create_timer(*arguments, **options), self.destroy_timer)

    def _owned(self, entity: Any, destroy: Callable[[Any], Any]) -> Any:
        if self._owning:
            self.own(lambda: destroy(entity))
        return entity
