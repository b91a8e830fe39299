"""The generations of controllers that can be emulated, and what differs between them."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Personality:
    """A generation of controllers.

    Attributes:
        name: ``cb3`` or ``e-series``.
        version: Software version: major, minor, bugfix, build.
        rate: Control cycles per second, which is also the highest output rate of RTDE.
        serial: Serial number that the dashboard reports.
    """

    name: str
    version: tuple[int, int, int, int]
    rate: float
    serial: str

    @property
    def cycle(self) -> float:
        """Length of a control cycle in seconds."""
        return 1.0 / self.rate

    @property
    def banner(self) -> str:
        """The dashboard's answer to ``PolyscopeVersion``."""
        return "URSoftware {}.{}.{}.{} (Mar 22 2022)".format(*self.version)


CB3 = Personality("cb3", (3, 15, 8, 106339), 125.0, "2017350001")
E_SERIES = Personality("e-series", (5, 12, 0, 1101319), 500.0, "20225500001")
PERSONALITIES = {personality.name: personality for personality in (CB3, E_SERIES)}


def personality(name: str) -> Personality:
    """Look up a generation by name.

    Raises:
        ValueError: There is no generation of this name.
    """
    if name not in PERSONALITIES:
        raise ValueError(f"expected a controller out of {', '.join(PERSONALITIES)}, received {name!r}")
    return PERSONALITIES[name]
