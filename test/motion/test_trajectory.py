"""Trapezoidal speed profiles, and joint trajectories that follow them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.motion.trajectory import Profile, Trajectory, resting

CRUISING = Profile(1.0, 0.5, 2.0)
"""Each ramp takes 0.25 s and 1/16 m, the remaining 7/8 m take 1.75 s."""

SHORT = Profile(0.08, 1.0, 2.0)
"""Too short to reach 1 m/s: half of the distance is reached after 0.2 s at 0.4 m/s."""

profiles = st.builds(Profile, st.floats(0.001, 5.0), st.floats(0.01, 3.0), st.floats(0.1, 15.0))


def test_a_long_distance_takes_two_ramps_and_a_part_at_constant_speed() -> None:
    assert CRUISING.ramp == pytest.approx(0.25)
    assert CRUISING.duration == pytest.approx(2.25)


def test_a_short_distance_takes_two_ramps() -> None:
    assert SHORT.ramp == pytest.approx(0.2)
    assert SHORT.duration == pytest.approx(0.4)


@pytest.mark.parametrize(
    ("profile", "time", "distance", "speed"),
    [
        (CRUISING, 0.0, 0.0, 0.0),
        (CRUISING, 0.125, 1 / 64, 0.25),
        (CRUISING, 0.25, 1 / 16, 0.5),
        (CRUISING, 1.125, 0.5, 0.5),
        (CRUISING, 2.0, 15 / 16, 0.5),
        (CRUISING, 2.125, 63 / 64, 0.25),
        (CRUISING, 2.25, 1.0, 0.0),
        (CRUISING, 9.0, 1.0, 0.0),
        (SHORT, 0.1, 0.01, 0.2),
        (SHORT, 0.2, 0.04, 0.4),
        (SHORT, 0.3, 0.07, 0.2),
        (SHORT, 0.4, 0.08, 0.0),
    ],
)
def test_distance_and_speed_at_a_time(profile: Profile, time: float, distance: float, speed: float) -> None:
    assert profile.at(time) == pytest.approx((distance, speed))


def test_no_distance_takes_no_time() -> None:
    nowhere = Profile(0.0, 0.5, 2.0)
    assert nowhere.duration == 0.0
    assert nowhere.at(0.0) == nowhere.at(3.0) == (0.0, 0.0)


@settings(max_examples=60)
@given(profiles)
def test_the_speed_is_the_rate_of_the_distance_and_both_keep_their_limits(profile: Profile) -> None:
    times = np.linspace(0.0, profile.duration, 201)
    distances, speeds = np.array([profile.at(float(time)) for time in times]).T
    step = profile.duration / 200
    assert (np.diff(distances) >= -1e-12).all()
    assert speeds.max() <= profile.speed * (1 + 1e-9)
    assert np.abs(np.diff(speeds)).max() <= profile.acceleration * step * (1 + 1e-6)
    middle = (speeds[1:] + speeds[:-1]) / 2 * step
    np.testing.assert_allclose(np.diff(distances), middle, atol=profile.acceleration * step**2 / 2)
    np.testing.assert_allclose(distances + distances[::-1], profile.distance, rtol=1e-9)


KNOTS = np.array([[0.0] * 6, [1.0, 0.0, -1.0, 0.5, 0.0, 0.0], [1.0, 2.0, -1.0, 0.5, 0.0, 0.4]])
PATH = Trajectory(Profile(2.0, 1.0, 4.0), KNOTS)
"""Two segments, each for half of the distance of ``CRUISING``."""


def test_a_path_passes_its_knots_in_order() -> None:
    assert PATH.duration == pytest.approx(2.25)
    for time, joints, velocities in [
        (0.0, KNOTS[0], np.zeros(6)),
        (0.125, KNOTS[1] / 32, KNOTS[1] * 0.5),
        (0.625, KNOTS[1] / 2, KNOTS[1]),
        (1.125, KNOTS[1], KNOTS[2] - KNOTS[1]),
        (1.625, (KNOTS[1] + KNOTS[2]) / 2, KNOTS[2] - KNOTS[1]),
    ]:
        found = PATH.at(time)
        np.testing.assert_allclose(found[0], joints, atol=1e-12)
        np.testing.assert_allclose(found[1], velocities, atol=1e-12)


@pytest.mark.parametrize("time", [2.25, 100.0])
def test_at_its_end_a_path_rests_on_its_last_knot(time: float) -> None:
    joints, velocities = PATH.at(time)
    np.testing.assert_array_equal(joints, KNOTS[2])
    assert velocities.tolist() == [0.0] * 6


def test_a_resting_arm_stays_where_it_is() -> None:
    stay = resting(KNOTS[1])
    assert stay.duration == 0.0
    for time in (0.0, 10.0):
        joints, velocities = stay.at(time)
        np.testing.assert_array_equal(joints, KNOTS[1])
        np.testing.assert_array_equal(velocities, np.zeros(6))
