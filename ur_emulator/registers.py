"""Registers that RTDE clients and the program share, and the clients that own them."""

from __future__ import annotations

from collections.abc import Sequence

REGISTER_COUNT = 48
"""Number of registers of each kind."""

Value = float | list[float]
"""Value of an input: a number or a vector."""


class Registers:
    """Input registers by RTDE name, output registers by number. An ``owner`` is any object that identifies a client.

    Attributes:
        output_integers: Integer output registers 0 to 47.
        output_doubles: Floating-point output registers 0 to 47.
    """

    def __init__(self) -> None:
        self.output_integers = [0] * REGISTER_COUNT
        self.output_doubles = [0.0] * REGISTER_COUNT
        self._inputs: dict[str, Value] = {}
        self._write_times: dict[str, float] = {}
        self._owners: dict[str, object] = {}

    def read(self, name: str) -> float:
        """Value of an input, 0 if it was never written; the first element of a vector."""
        value = self._inputs.get(name, 0.0)
        return value[0] if isinstance(value, list) else value

    def write(self, name: str, value: Value, now: float) -> None:
        """Store what a client wrote to an input at time ``now`` (seconds)."""
        self._inputs[name] = value
        self._write_times[name] = now

    def age(self, name: str, now: float) -> float:
        """Seconds since an input was last written or touched; 0 if neither has happened."""
        return now - self._write_times.get(name, now)

    def touch(self, name: str, now: float) -> None:
        """Restart the age of an input."""
        self._write_times[name] = now

    def is_free(self, name: str, owner: object) -> bool:
        """Whether a client may reserve an input for writing."""
        return self._owners.get(name, owner) is owner

    def claim(self, names: Sequence[str], owner: object) -> None:
        """Reserve inputs for a client."""
        self._owners.update(dict.fromkeys(names, owner))

    def release(self, owner: object) -> None:
        """Release all inputs that a client has reserved."""
        self._owners = {name: other for name, other in self._owners.items() if other is not owner}
