"""Registries of objects that can be chosen by name: built-in ones, and those of other packages by entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from impurity_grasp_ros.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Built-in objects by name, and objects that other packages declare in a group of entry points.

    Args:
        kind: What the objects are, for messages.
        group: Group of the entry points; each is imported when it is requested.
        ours: Built-in objects; another package cannot use their names.
    """

    def __init__(self, kind: str, group: str, ours: Mapping[str, T]) -> None:
        self._kind = kind
        self._group = group
        self._ours = ours

    def names(self) -> tuple[str, ...]:
        """Return all names, built-in ones first."""
        return (*self._ours, *sorted(self._others()))

    def check(self, name: str) -> None:
        """Raise ConfigError unless there is an object with that name."""
        if name not in self._ours and name not in self._others():
            raise ConfigError(f"{self._kind}: expected one of {', '.join(self.names())}, received {name!r}")

    def find(self, name: str) -> T:
        """Return the object with a name.

        Args:
            name: Name from the configuration.

        Returns:
            The object.

        Raises:
            ConfigError: There is no object with that name, or the package that declares it cannot be imported.
        """
        self.check(name)
        if name in self._ours:
            return self._ours[name]
        entry = self._others()[name]
        try:
            found: T = entry.load()
        except (ImportError, AttributeError) as error:
            raise ConfigError(f"{self._kind}: expected {name!r} to be found in {entry.value}: {error}") from error
        return found

    def _others(self) -> dict[str, EntryPoint]:
        return {entry.name: entry for entry in entry_points(group=self._group) if entry.name not in self._ours}
