"""What differs between the generations of controllers."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.errors import ConfigError


@dataclass(frozen=True)
class Personality:
    """A generation. version: major, minor, bugfix, build. rate: control cycles per second, and RTDE's at most."""

    name: str
    version: tuple[int, int, int, int]
    rate: float
    serial: str

    @property
    def cycle(self) -> float:
        """Seconds of one control cycle."""
        return 1.0 / self.rate

    @property
    def banner(self) -> str:
        """What the dashboard answers to ``PolyscopeVersion``."""
        return "URSoftware {}.{}.{}.{} (Mar 22 2022)".format(*self.version)


CB3 = Personality("cb3", (3, 15, 8, 106339), 125.0, "2017350001")
E_SERIES = Personality("e-series", (5, 12, 0, 1101319), 500.0, "20225500001")
PERSONALITIES = {personality.name: personality for personality in (CB3, E_SERIES)}


def personality(name: str) -> Personality:
    """The generation of that name; raises ConfigError."""
    if name not in PERSONALITIES:
        raise ConfigError(f"expected a controller out of {', '.join(PERSONALITIES)}, received {name!r}")
    return PERSONALITIES[name]
