"""Blocks are closed convex prisms around their centroid, and weigh what their volume says."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tabletop import RED

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import (
    Block,
    Shape,
    cuboid,
    cylinder,
    half_cylinder,
    spawn,
    triangle,
)

edges = st.floats(0.01, 0.08)
shapes = st.one_of(
    st.builds(cuboid, edges, edges, edges),
    st.builds(cylinder, edges, edges),
    st.builds(half_cylinder, edges, edges),
    st.builds(triangle, edges, edges, edges),
)
EXAMPLES = [cuboid(0.03, 0.05, 0.04), cylinder(0.04, 0.03), half_cylinder(0.05, 0.04), triangle(0.05, 0.04, 0.03)]


def faces(shape: Shape) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Corners (n, 3, 3) of the triangles and the normals (n, 3) given to them."""
    vertices, indices, normals = shape.facets()
    return vertices[indices.reshape(-1, 3)], normals[indices.reshape(-1, 3)[:, 0]]


@given(shapes)
def test_the_triangles_close_around_the_volume_of_the_shape(shape: Shape) -> None:
    triangles, _ = faces(shape)
    a, b, c = triangles.transpose(1, 0, 2)
    assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(shape.volume)
    np.testing.assert_allclose(np.cross(b - a, c - a).sum(axis=0), 0.0, atol=1e-12)


@given(shapes)
def test_normals_are_those_of_their_triangles_and_point_outward(shape: Shape) -> None:
    triangles, normals = faces(shape)
    a, b, c = triangles.transpose(1, 0, 2)
    computed = np.cross(b - a, c - a)
    np.testing.assert_allclose(computed / np.linalg.norm(computed, axis=1)[:, None], normals, atol=1e-6)
    assert (np.einsum("ij,ij->i", normals, a) > 0.0).all()


@given(shapes)
def test_the_centroid_is_the_origin(shape: Shape) -> None:
    triangles, _ = faces(shape)
    volumes = np.einsum("ij,ij->i", triangles[:, 0], np.cross(triangles[:, 1], triangles[:, 2])) / 6
    centroid = (triangles.sum(axis=1) / 4 * volumes[:, None]).sum(axis=0) / volumes.sum()
    np.testing.assert_allclose(centroid, 0.0, atol=1e-9)


@given(shapes)
def test_the_radius_reaches_the_farthest_corner(shape: Shape) -> None:
    vertices, _, _ = shape.facets()
    assert np.hypot(vertices[:, 0], vertices[:, 1]).max() == pytest.approx(shape.radius)


@given(edges, edges, edges)
def test_areas_are_those_of_the_textbook(width: float, depth: float, height: float) -> None:
    assert cuboid(width, depth, height).area == pytest.approx(width * depth)
    assert triangle(width, depth, height).area == pytest.approx(width * depth / 2)
    circle = math.pi * width * width / 4  # 24 corners enclose 1.14 % less
    assert cylinder(width, height).area == pytest.approx(circle, rel=0.012)
    assert half_cylinder(width, height).area == pytest.approx(circle / 2, rel=0.012)


@pytest.mark.parametrize("edge", [0.0, -0.01, math.nan, math.inf])
def test_a_dimension_that_is_not_positive_is_refused(edge: float) -> None:
    with pytest.raises(ConfigError, match="expected positive dimensions of a cuboid"):
        cuboid(edge, 0.03, 0.03)
    with pytest.raises(ConfigError, match="expected positive dimensions of a cylinder"):
        cylinder(0.03, edge)
    with pytest.raises(ConfigError, match="expected positive dimensions of a triangle"):
        triangle(0.03, edge, 0.03)


@pytest.mark.sim
@pytest.mark.parametrize("shape", EXAMPLES, ids=lambda shape: shape.kind)
def test_a_spawned_block_has_the_mass_and_the_extent_of_its_shape(environment: Environment, shape: Shape) -> None:
    world = environment.world
    body = spawn(world, Block(shape, RED, False), np.array([0.5, 0.0, 0.2]), np.array([0.0, 0.0, 0.0, 1.0]))
    assert world.bullet.getDynamicsInfo(body, -1)[0] == pytest.approx(world.config.density * shape.volume)
    low, high = np.array(world.bullet.getAABB(body)) - [0.5, 0.0, 0.2]
    outline = np.array(shape.outline)
    np.testing.assert_allclose(low, [*outline.min(axis=0), -shape.height / 2], atol=0.0025)  # a margin of the engine
    np.testing.assert_allclose(high, [*outline.max(axis=0), shape.height / 2], atol=0.0025)
