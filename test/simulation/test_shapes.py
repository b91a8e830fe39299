"""Procedural shapes are solids: closed, centered, graspable, and repeatable."""

import numpy as np
import pytest
from grippers import GRIPPER
from scipy.spatial import ConvexHull
from tabletop import put

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.hulls import HullSolid, hull_solid
from impurity_grasp_ros.simulation.measured_shapes import MEASURED_SHAPES
from impurity_grasp_ros.simulation.shapes import MAKERS, Form
from impurity_grasp_ros.simulation.training_shapes import COMMON_SHAPES, TRAINING_SHAPES

COMPOUND = {"turned", "compound", "angle", "cross", "tee", "dumbbell", "mushroom", "bottle", "star"}
PIECES = [(maker, seed) for maker in MAKERS for seed in (0, 1, 2)]
SIZE = 0.045


def piece(maker: str, seed: int) -> HullSolid:
    return Form(maker, SIZE, seed).piece(np.random.default_rng(seed))


def test_training_and_measured_shapes_are_disjoint_and_only_boxes_are_common() -> None:
    assert not set(TRAINING_SHAPES) & set(MEASURED_SHAPES)
    assert set(COMMON_SHAPES) == {"box"}
    assert set(MAKERS) == {"box", *TRAINING_SHAPES, *MEASURED_SHAPES}
    assert len({*COMMON_SHAPES.values(), *TRAINING_SHAPES.values(), *MEASURED_SHAPES.values()}) == len(MAKERS)


@pytest.mark.parametrize(("maker", "seed"), PIECES)
def test_a_piece_fits_between_the_fingers_and_is_high_enough_for_them(maker: str, seed: int) -> None:
    solid = piece(maker, seed)
    edges = np.sort(np.ptp(solid.corners, axis=0))
    assert edges[1] == pytest.approx(SIZE, rel=0.085)
    assert edges[1] < GRIPPER.stroke - 0.01
    assert edges[0] > 0.012
    assert edges[2] < 0.10
    assert solid.kind == maker


@pytest.mark.parametrize(("maker", "seed"), PIECES)
def test_the_visible_surface_is_closed_and_faces_outward(maker: str, seed: int) -> None:
    solid = piece(maker, seed)
    vertices, indices, normals = solid.facets()
    a, b, c = vertices[indices].reshape(-1, 3, 3).transpose(1, 0, 2)
    across = np.cross(b - a, c - a)
    np.testing.assert_allclose(across.sum(axis=0), 0.0, atol=1e-9)  # the area of a closed surface adds up to nothing
    assert (a * across).sum() / 6 == pytest.approx(solid.volume, rel=1e-6)
    assert ((normals.reshape(-1, 3, 3) * across[:, None]).sum(axis=2) > -1e-12).all()
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0, atol=1e-6)


@pytest.mark.parametrize(("maker", "seed"), PIECES)
def test_the_origin_is_the_center_of_volume(maker: str, seed: int) -> None:
    solid = piece(maker, seed)
    vertices, indices, _ = solid.facets()
    triangles = vertices[indices].reshape(-1, 3, 3)
    moments = np.linalg.det(triangles)[:, None] / 6 * triangles.sum(axis=1) / 4
    np.testing.assert_allclose(moments.sum(axis=0) / solid.volume, 0.0, atol=1e-6)


def test_shapes_that_are_not_convex_have_convex_parts() -> None:
    assert {maker for maker in MAKERS if len(piece(maker, 0).parts) > 1} == COMPOUND
    for maker in COMPOUND - {"star", "cross", "compound"}:  # their parts overlap, and overlaps count twice
        solid = piece(maker, 0)
        assert solid.volume < 0.97 * ConvexHull(solid.corners).volume


def test_equal_generators_give_equal_pieces_and_pieces_of_a_form_share_its_proportions() -> None:
    box = Form("box", SIZE, 3)
    first, second = box.piece(np.random.default_rng(0)).corners, box.piece(np.random.default_rng(0)).corners
    np.testing.assert_array_equal(first, second)
    larger, other = box.piece(np.random.default_rng(1)).corners, Form("box", SIZE, 4).piece(np.random.default_rng(0))
    ratio = np.ptp(larger, axis=0) / np.ptp(first, axis=0)
    np.testing.assert_allclose(ratio, ratio[0])
    assert ratio[0] != 1.0
    assert np.ptp(np.ptp(other.corners, axis=0) / np.ptp(first, axis=0)) > 0.02
    rock = Form("rock", SIZE)
    assert rock.piece(np.random.default_rng(0)).volume != rock.piece(np.random.default_rng(1)).volume


def test_smooth_shapes_have_interpolated_normals_and_boxes_have_none() -> None:
    for maker, smooth in (("box", False), ("plate", False), ("pebble", True), ("capsule", True)):
        _, _, normals = piece(maker, 0).facets()
        assert bool(np.ptp(normals.reshape(-1, 3, 3), axis=1).max() > 0.05) == smooth


@pytest.mark.sim
@pytest.mark.parametrize("maker", sorted({*COMPOUND, "rock", "pebble", "plate", "lemon"}))
def test_a_piece_rests_on_the_table_as_it_is_seen(environment: Environment, maker: str) -> None:
    """The engine's body ends where the visible one does, to a millimeter and a half."""
    solid = piece(maker, 1)
    body = put(environment, solid, 0.45, 0.0)
    low, high = environment.world.bullet.getAABB(body)
    inside = np.array(solid.corners)
    expected = inside.min(axis=0), inside.max(axis=0)
    position = environment.world.position(body)
    np.testing.assert_allclose(np.array(low) - position, expected[0], atol=3.5e-3)
    np.testing.assert_allclose(np.array(high) - position, expected[1], atol=3.5e-3)
    environment.world.settle(3.0)
    assert environment.world.at_rest()
    mass = environment.world.bullet.getDynamicsInfo(body, -1)[0]
    assert mass == pytest.approx(environment.config.physics.density * solid.volume)


@pytest.mark.sim
def test_the_notch_of_a_compound_shape_is_free(environment: Environment) -> None:
    solid = piece("angle", 0)
    body = put(environment, solid, 0.45, 0.0)
    bullet, (x, y, z) = environment.world.bullet, environment.world.position(body)
    inner = solid.parts[1][:, 0].max() + 0.003, solid.parts[0][:, 1].max() + 0.003  # just beside both legs
    notch, leg = (inner[0] + x, inner[1] + y), (solid.parts[0][:, 0].max() - 0.004 + x, inner[1] - 0.007 + y)
    assert bullet.rayTest([*notch, z + 0.1], [*notch, 0.001])[0][0] != body
    assert bullet.rayTest([*leg, z + 0.1], [*leg, 0.001])[0][0] == body


def test_an_unknown_shape_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"expected a shape out of box, prism, .*received 'sphere'"):
        Form("sphere", SIZE)


def test_a_solid_keeps_the_unit_of_its_points_without_a_size() -> None:
    cube = np.array([(x, y, z) for x in (0, 1) for y in (0, 2) for z in (0, 3)], float)
    solid = hull_solid("cube", [cube])
    assert solid.volume == pytest.approx(6.0)
    np.testing.assert_allclose(np.ptp(solid.corners, axis=0), (1.0, 2.0, 3.0))
    np.testing.assert_allclose(solid.half_size, (0.5, 1.0, 1.5))
