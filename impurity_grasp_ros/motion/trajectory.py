"""Paths through joint space, traveled with trapezoidal speed."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Profile:
    """Trapezoidal speed over a distance, from rest to rest; any unit of length."""

    distance: float
    speed: float
    acceleration: float

    @property
    def ramp(self) -> float:
        """Seconds of speeding up, and of slowing down."""
        return min(self.speed / self.acceleration, math.sqrt(self.distance / self.acceleration))

    @property
    def duration(self) -> float:
        """Seconds from rest to rest."""
        ramp = self.ramp
        cruise = self.distance - self.acceleration * ramp * ramp
        return 2.0 * ramp + (max(cruise, 0.0) / (self.acceleration * ramp) if ramp > 0.0 else 0.0)

    def at(self, time: float) -> tuple[float, float]:
        """Distance traveled and speed at a time since the start."""
        ramp, end = self.ramp, self.duration
        if time >= end:
            return self.distance, 0.0
        if time < ramp:
            return self.acceleration * time * time / 2, self.acceleration * time
        peak = self.acceleration * ramp
        if time <= end - ramp:
            return peak * (time - ramp / 2), peak
        left = end - time
        return self.distance - self.acceleration * left * left / 2, self.acceleration * left


@dataclass(frozen=True, eq=False)
class Trajectory:
    """Joint angles ``knots`` (n, 6) at equal steps of a path that is traveled with a speed profile."""

    profile: Profile
    knots: NDArray[np.float64]

    @property
    def duration(self) -> float:
        """Seconds from rest to rest."""
        return self.profile.duration

    def at(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Joint angles and velocities, both (6,), at a time since the start."""
        traveled, speed = self.profile.at(time)
        pieces = len(self.knots) - 1
        if traveled >= self.profile.distance:
            return self.knots[-1], np.zeros(6)
        place = traveled / self.profile.distance * pieces
        index = min(int(place), pieces - 1)
        step = self.knots[index + 1] - self.knots[index]
        return self.knots[index] + step * (place - index), step * (speed * pieces / self.profile.distance)


def resting(joints: NDArray[np.float64]) -> Trajectory:
    """The trajectory of an arm that stays where it is."""
    return Trajectory(Profile(0.0, 1.0, 1.0), joints[None])
