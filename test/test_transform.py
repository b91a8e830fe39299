"""Rigid transforms preserve lengths, can be inverted, and agree with each other."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from numpy.typing import NDArray

from impurity_grasp_ros.transform import (
    Transform,
    angle_between,
    apply,
    from_quaternion,
    from_rotation_translation,
    inverse,
    rotation_z,
    tool_down,
)

angles = st.floats(-2 * math.pi, 2 * math.pi)
meters = st.floats(-2.0, 2.0)
positions = st.tuples(meters, meters, meters)
points = arrays(np.float64, (5, 3), elements=meters)
quaternions = st.tuples(*4 * [st.floats(-1.0, 1.0)]).filter(lambda xyzw: math.hypot(*xyzw) > 0.1)
transforms = st.builds(from_quaternion, positions, quaternions)


def assert_is_rotation(rotation: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(rotation @ rotation.T, np.eye(3), atol=1e-12)
    assert np.linalg.det(rotation) == pytest.approx(1.0)


@given(transforms, points)
def test_a_transform_and_its_inverse_leave_points_where_they_are(T_a_b: Transform, p_b: NDArray[np.float64]) -> None:
    np.testing.assert_allclose(apply(inverse(T_a_b), apply(T_a_b, p_b)), p_b, atol=1e-12)


@given(transforms)
def test_inverting_twice_gives_the_transform_back(T_a_b: Transform) -> None:
    np.testing.assert_allclose(inverse(inverse(T_a_b)), T_a_b, atol=1e-12)


@given(transforms, transforms, points)
def test_applying_one_after_the_other_is_applying_the_product(
    T_a_b: Transform, T_b_c: Transform, p_c: NDArray[np.float64]
) -> None:
    np.testing.assert_allclose(apply(T_a_b @ T_b_c, p_c), apply(T_a_b, apply(T_b_c, p_c)), atol=1e-12)


@given(transforms, points)
def test_distances_are_kept(T_a_b: Transform, p_b: NDArray[np.float64]) -> None:
    lengths = np.linalg.norm(np.diff(p_b, axis=0), axis=1)
    np.testing.assert_allclose(np.linalg.norm(np.diff(apply(T_a_b, p_b), axis=0), axis=1), lengths, atol=1e-12)


@given(positions, angles)
def test_a_tool_pointing_down_is_a_rotation_with_z_down_and_x_at_its_yaw(
    position: tuple[float, float, float], yaw_rad: float
) -> None:
    T_base_tool = tool_down(position, yaw_rad)
    assert_is_rotation(T_base_tool[:3, :3])
    np.testing.assert_allclose(T_base_tool[:3, 2], [0.0, 0.0, -1.0])
    np.testing.assert_allclose(T_base_tool[:3, 0], [math.cos(yaw_rad), math.sin(yaw_rad), 0.0])
    np.testing.assert_allclose(T_base_tool[:, 3], [*position, 1.0])


@given(positions, quaternions)
def test_a_quaternion_gives_a_rotation_whatever_its_length(
    position: tuple[float, float, float], quaternion: tuple[float, float, float, float]
) -> None:
    T_a_b = from_quaternion(position, quaternion)
    assert_is_rotation(T_a_b[:3, :3])
    np.testing.assert_allclose(T_a_b, from_quaternion(position, tuple(-3.0 * part for part in quaternion)), atol=1e-12)


@given(angles)
def test_a_quaternion_about_z_agrees_with_rotation_z(angle_rad: float) -> None:
    half = 0.5 * angle_rad
    T_a_b = from_quaternion((0.0, 0.0, 0.0), (0.0, 0.0, math.sin(half), math.cos(half)))
    np.testing.assert_allclose(T_a_b[:3, :3], rotation_z(angle_rad), atol=1e-12)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
@pytest.mark.parametrize("shape", [(3,), (7, 3), (4, 5, 3)])
def test_points_keep_their_shape_and_type(shape: tuple[int, ...], dtype: type[np.floating]) -> None:
    T_a_b = from_rotation_translation(rotation_z(0.5), np.array([1.0, 2.0, 3.0]))
    mapped = apply(T_a_b, np.ones(shape, dtype))
    assert mapped.shape == shape
    assert mapped.dtype == dtype


@given(angles, angles, st.sampled_from([math.pi, 2 * math.pi]), st.integers(-3, 3))
def test_the_angle_between_two_directions_is_at_most_half_a_period_and_the_same_both_ways(
    first: float, second: float, period: float, turns: int
) -> None:
    angle = angle_between(first, second, period)
    assert 0.0 <= angle <= period / 2
    assert angle_between(second, first, period) == pytest.approx(angle, abs=1e-9)
    assert angle_between(first + turns * period, second, period) == pytest.approx(angle, abs=1e-9)
    assert angle_between(0.1, 0.1 + 0.4 * period, period) == pytest.approx(0.4 * period)
