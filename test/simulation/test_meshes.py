"""Bodies from files have the volume, the center, the size and the collisions that their files give them."""

import math
from pathlib import Path

import numpy as np
import pybullet_data
import pytest
from tabletop import RED, put

from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.meshes import MeshRange, MeshShape, load_mesh, random_mesh
from impurity_grasp_ros.simulation.objects import Block, spawn

NOVEL = MeshRange(1.0, (0.03, 0.06), 0.4, 0.2, 8)


@pytest.fixture
def pyramid() -> MeshShape:
    """4 cm high over a square of 4 cm."""
    return load_mesh(resource("config/scenes/examples/pyramid.obj")).scaled(0.04)


def some_meshes(count: int) -> list[MeshShape]:
    rng = np.random.default_rng(5)
    return [random_mesh(NOVEL, rng) for _ in range(count)]


def test_a_pyramid_has_the_volume_and_the_center_of_the_textbook(pyramid: MeshShape) -> None:
    assert pyramid.volume == pytest.approx(0.04**3 / 3)
    assert pyramid.size == pytest.approx((0.04, 0.04, 0.04))
    assert pyramid.offset == pytest.approx((0.0, 0.0, -0.01))  # the center is a quarter of the height above the base
    np.testing.assert_allclose(pyramid.corners[:, 2].min(), -0.01)


def test_triangles_close_around_the_volume_and_their_normals_point_outward(pyramid: MeshShape) -> None:
    vertices, indices, normals = pyramid.facets()
    triangles = vertices[indices.reshape(-1, 3)]
    a, b, c = triangles.transpose(1, 0, 2)
    assert np.einsum("ij,ij->", a, np.cross(b, c)) / 6 == pytest.approx(pyramid.volume)
    np.testing.assert_allclose(np.linalg.norm(normals, axis=1), 1.0)
    assert (np.einsum("ij,ij->i", normals, vertices) > 0.0).all()


def test_random_meshes_keep_to_their_bounds() -> None:
    for mesh in some_meshes(12):
        assert 0.03 - 1e-9 <= max(mesh.size) <= 0.06 + 1e-9
        assert min(mesh.size) > 0.4 * max(mesh.size)
        assert mesh.volume >= (0.2 - 1e-9) * math.prod(mesh.size)


def test_equal_generators_draw_equal_meshes() -> None:
    first, second = some_meshes(4), some_meshes(4)
    assert [(mesh.file, mesh.scale) for mesh in first] == [(mesh.file, mesh.scale) for mesh in second]
    assert len({mesh.file for mesh in first}) > 1


def test_bounds_that_no_mesh_meets_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("impurity_grasp_ros.simulation.meshes.MAX_DRAWS", 3)
    bounds = MeshRange(1.0, (0.03, 0.06), 0.5, 0.3, 1)
    with pytest.raises(ConfigError, match="expected bounds that some meshes"):
        random_mesh(bounds, np.random.default_rng(0))


@pytest.mark.sim
def test_a_spawned_mesh_has_mass_and_extent_and_keeps_its_origin_at_its_center(environment: Environment) -> None:
    world = environment.world
    for mesh in some_meshes(4):
        place = np.array([0.5, 0.0, 0.2])
        body = spawn(world, Block(mesh, RED, False), place, np.array([0.0, 0.0, 0.0, 1.0]))
        assert world.bullet.getDynamicsInfo(body, -1)[0] == pytest.approx(world.config.density * mesh.volume)
        low, high = np.array(world.bullet.getAABB(body)) - place
        np.testing.assert_allclose(low, mesh.corners.min(axis=0), atol=0.0025)  # a margin of the engine
        np.testing.assert_allclose(high, mesh.corners.max(axis=0), atol=0.0025)
        world.remove_body(body)


@pytest.mark.sim
def test_a_mesh_that_stands_alone_is_grasped_and_carried_to_the_bin(environment: Environment) -> None:
    cube = load_mesh(Path(pybullet_data.getDataPath()) / "cube.obj").scaled(0.04)
    assert cube.size == pytest.approx((0.04, 0.04, 0.04))
    put(environment, cube, 0.5, 0.0, math.pi / 6)
    outcome = environment.step(Primitive.grasp((0.5, 0.0, 0.01), math.pi / 6, opening=0.06))
    assert outcome.status is OutcomeStatus.HELD
    assert environment.tally().targets_in_bin == 1


def test_a_urdf_gives_its_mesh_in_its_scale() -> None:
    data = Path(pybullet_data.getDataPath())
    direct = load_mesh(data / "random_urdfs/000/000.obj").scaled(0.015)
    named = load_mesh(data / "random_urdfs/000/000.urdf")
    np.testing.assert_allclose(named.corners, direct.corners, atol=1e-9)
    assert named.scale == pytest.approx(direct.scale)
    duck = load_mesh(data / "duck_vhacd.urdf")  # is seen as one file and collides as another
    assert duck.file.name == "duck_vhacd.obj"
    assert max(duck.size) == pytest.approx(np.ptp(duck.triangles.reshape(-1, 3), axis=0).max(), rel=0.1)


@pytest.mark.parametrize("section", ["visual", "collision"])
def test_a_urdf_with_a_primitive_is_refused(section: str) -> None:
    urdf = "cube_small.urdf" if section == "collision" else "sphere8cube.urdf"
    with pytest.raises(ConfigError, match=r"expected one link with one .* mesh at its origin"):
        load_mesh(Path(pybullet_data.getDataPath()) / urdf)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("empty.obj", "", "expected an OBJ file with faces"),
        ("points.obj", "v 0 0 0\nv 1 0 0\n", "expected an OBJ file with faces"),
        ("nan.obj", "v nan 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "between finite points"),
        ("short.obj", "v 0 0 0\nv 1 0 0\nf 1 2 3\n", "expected a readable OBJ file"),
        ("words.obj", "v a b c\n", "expected a readable OBJ file"),
        ("flat.obj", "v 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n", "expected a mesh with a volume"),
        ("broken.urdf", "<robot><link>", "expected one link"),
        ("linkless.urdf", "<robot/>", "expected one link"),
        ("duck.stl", "solid", "expected a mesh that ends in .obj or .urdf"),
    ],
)
def test_a_file_without_a_solid_is_refused(tmp_path: Path, name: str, content: str, message: str) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(ConfigError, match=message):
        load_mesh(tmp_path / name)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"expected a readable OBJ file, received .*none\.obj"):
        load_mesh(tmp_path / "none.obj")
