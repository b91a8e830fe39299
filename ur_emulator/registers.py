"""Registers that client and program share over RTDE, and who may write them."""

from __future__ import annotations

from collections.abc import Sequence

Value = float | list[float]


class Registers:
    """Inputs by their RTDE name, outputs by number. ``owner`` is whatever identifies a client."""

    def __init__(self) -> None:
        self.output_integers = [0] * 48
        self.output_doubles = [0.0] * 48
        self._inputs: dict[str, Value] = {}
        self._written: dict[str, float] = {}
        self._owners: dict[str, object] = {}

    def read(self, name: str) -> float:
        """The value of an input, 0 if it was never written."""
        value = self._inputs.get(name, 0.0)
        return value[0] if isinstance(value, list) else value

    def write(self, name: str, value: Value, now: float) -> None:
        """A client has written an input."""
        self._inputs[name] = value
        self._written[name] = now

    def age(self, name: str, now: float) -> float:
        """Seconds since an input was written; since :meth:`touch` if it never was."""
        return now - self._written.get(name, now)

    def touch(self, name: str, now: float) -> None:
        """Count the age of an input from now on."""
        self._written[name] = now

    def is_free(self, name: str, owner: object) -> bool:
        """Whether a client may register an input for writing."""
        return self._owners.get(name, owner) is owner

    def claim(self, names: Sequence[str], owner: object) -> None:
        """Reserve inputs for a client."""
        self._owners.update(dict.fromkeys(names, owner))

    def release(self, owner: object) -> None:
        """A client has gone."""
        self._owners = {name: other for name, other in self._owners.items() if other is not owner}
