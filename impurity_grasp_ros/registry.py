"""Things that can be chosen by name: ours, and those that installed packages add through entry points."""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from typing import Generic, TypeVar

from impurity_grasp_ros.errors import ConfigError

T = TypeVar("T")


class Registry(Generic[T]):
    """Ours by name, and whatever other packages declare in a group of entry points.

    Args:
        kind: What they are, as messages say it.
        group: Of the entry points; each is imported when it is asked for.
        ours: Those of this package, whose names nobody else can take.
    """

    def __init__(self, kind: str, group: str, ours: Mapping[str, T]) -> None:
        self._kind = kind
        self._group = group
        self._ours = ours

    def names(self) -> tuple[str, ...]:
        """All names, ours first."""
        return (*self._ours, *sorted(self._others()))

    def check(self, name: str) -> None:
        """Raise ConfigError unless there is something of that name."""
        if name not in self._ours and name not in self._others():
            raise ConfigError(f"{self._kind}: expected one of {', '.join(self.names())}, received {name!r}")

    def find(self, name: str) -> T:
        """What has a name.

        Args:
            name: As the configuration says.

        Returns:
            The thing.

        Raises:
            ConfigError: There is nothing of that name, or the package that declares it cannot be imported.
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
