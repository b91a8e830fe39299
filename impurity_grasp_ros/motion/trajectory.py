"""Joint trajectories with a trapezoidal speed profile."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True)
class Profile:
    """Trapezoidal speed profile from rest to rest.

    Attributes:
        distance: Length of the path, in any unit.
        speed: Highest speed, in that unit per second.
        acceleration: Acceleration and deceleration, in that unit per second squared.
    """

    distance: float
    speed: float
    acceleration: float

    @property
    def ramp(self) -> float:
        """Duration in seconds of the acceleration, and of the deceleration."""
        return min(self.speed / self.acceleration, math.sqrt(self.distance / self.acceleration))

    @property
    def duration(self) -> float:
        """Duration in seconds from rest to rest."""
        ramp = self.ramp
        cruise = self.distance - self.acceleration * ramp * ramp
        return 2.0 * ramp + (max(cruise, 0.0) / (self.acceleration * ramp) if ramp > 0.0 else 0.0)

    def at(self, time: float) -> tuple[float, float]:
        """Return the distance traveled and the speed at a time.

        Args:
            time: Seconds since the start; the end of the path applies afterward.

        Returns:
            Distance in the unit of the profile, and speed in that unit per second.
        """
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
    """A path in joint space and the speed profile along it.

    Attributes:
        profile: Speed profile over the length of the path.
        knots: (n, 6) float64, joint angles in radians at equal steps along the path.
    """

    profile: Profile
    knots: NDArray[np.float64]

    @property
    def duration(self) -> float:
        """Duration in seconds from rest to rest."""
        return self.profile.duration

    def at(self, time: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return the joint state at a time.

        Args:
            time: Seconds since the start; the end of the path applies afterward.

        Returns:
            Joint angles (6,) in radians and joint velocities (6,) in rad/s.
        """
        traveled, speed = self.profile.at(time)
        pieces = len(self.knots) - 1
        if traveled >= self.profile.distance:
            return self.knots[-1], np.zeros(6)
        place = traveled / self.profile.distance * pieces
        index = min(int(place), pieces - 1)
        step = self.knots[index + 1] - self.knots[index]
        return self.knots[index] + step * (place - index), step * (speed * pieces / self.profile.distance)


def resting(joints: NDArray[np.float64]) -> Trajectory:
    """Return the trajectory of an arm that stays at joint angles (6,) in radians."""
    return Trajectory(Profile(0.0, 1.0, 1.0), joints[None])
