"""Presets put objects where their file says, and are refused with the row at fault."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from scipy.spatial.transform import Rotation
from tabletop import poses

from impurity_grasp_ros.errors import ConfigError, InvalidGoalError, SceneNotSettledError
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.meshes import MeshShape
from impurity_grasp_ros.simulation.preset_rows import ROWS
from impurity_grasp_ros.simulation.presets import load_preset
from impurity_grasp_ros.simulation.scene_config import scene_names

TOWER = "config/scenes/examples/tower.yaml"
CUBE = {"shape": "cuboid", "width": 0.04, "depth": 0.03, "height": 0.02, "color": "#ff0000", "position": [0.5, 0, 0.01]}
LEANING = {"height": 0.2, "position": [0.70, 0.0, 0.13], "rpy": [0.0, 0.6, 0.0]}  # it falls over the border
CAMERA = {
    "depth_sigma": 0.003, "edge_jump": 0.012, "edge_width": 2, "edge_holes": 0.4, "color_cast": 0.08, "color_sigma": 4.0
}  # fmt: skip


def write(folder: Path, rows: Any, **sections: Any) -> str:
    """A preset of these rows; returns its path."""
    file = folder / "preset.yaml"
    file.write_text(yaml.safe_dump({"description": "A test.", "objects": rows, **sections}), encoding="utf-8")
    return str(file)


def test_the_example_has_a_row_of_every_shape_and_is_no_shipped_scene_of_its_own() -> None:
    preset = load_preset(TOWER)
    assert {item.block.shape.kind for item in preset.objects} == set(ROWS)
    assert sum(item.block.target for item in preset.objects) == 2
    assert "tower" not in scene_names()


@pytest.mark.sim
def test_the_example_stands_as_it_is_described(environment: Environment) -> None:
    scene, preset = environment.reset(0, TOWER), load_preset(TOWER)
    assert (scene.name, scene.seed, len(scene.targets)) == (TOWER, 0, 2)
    for body, item in zip(scene.blocks, preset.objects, strict=True):
        position, orientation = environment.world.pose(body)
        np.testing.assert_allclose(position, item.position, atol=0.003)
        turned = Rotation.from_quat(orientation).inv() * Rotation.from_quat(item.orientation)
        assert turned.magnitude() < 0.1
    assert all(environment.camera.visible_pixels()[body] > 200 for body in scene.targets)


@pytest.mark.sim
def test_a_seed_changes_nothing_but_the_noise(environment: Environment, tmp_path: Path) -> None:
    preset = write(tmp_path, [CUBE], camera=CAMERA)
    seen = []
    for seed in (0, 0, 1):
        environment.reset(seed, preset)
        seen.append((poses(environment), environment.observe().depth))
    np.testing.assert_array_equal(seen[0][0], seen[2][0])
    np.testing.assert_array_equal(seen[0][1], seen[1][1])
    assert not np.array_equal(seen[0][1], seen[2][1])


def test_a_row_gives_the_pose_of_a_meshs_origin_and_of_any_other_shapes_center(tmp_path: Path) -> None:
    mesh = {"shape": "mesh", "file": str(resource("config/scenes/examples/pyramid.obj")), "scale": 0.04}
    pose = {"color": "#ff0000", "position": [0.5, 0.1, 0.0], "rpy": [0.0, math.pi / 2, 0.0]}
    first, second = load_preset(write(tmp_path, [CUBE, mesh | pose])).objects
    np.testing.assert_allclose(first.position, [0.5, 0.0, 0.01])
    assert isinstance(second.block.shape, MeshShape)
    np.testing.assert_allclose(second.position, [0.51, 0.1, 0.0], atol=1e-12)  # its center is 1 cm along its z axis
    assert not first.block.target


def test_files_are_looked_for_next_to_the_preset(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "parts").mkdir()
    (tmp_path / "parts" / "p.obj").write_bytes(resource("config/scenes/examples/pyramid.obj").read_bytes())
    row = {"shape": "mesh", "file": "parts/p.obj", "scale": 0.04, "color": "#ff0000", "position": [0.5, 0.0, 0.0]}
    write(tmp_path, [row])
    monkeypatch.chdir(tmp_path)
    assert len(load_preset("preset.yaml").objects) == 1


def test_a_preset_that_was_edited_is_read_again(tmp_path: Path) -> None:
    assert len(load_preset(write(tmp_path, [CUBE])).objects) == 1
    assert len(load_preset(write(tmp_path, [CUBE, CUBE])).objects) == 2


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"mass": 6.0}, r"objects\[1\]\.mass: expected a value in \[0\.001, 5\.0\]"),
        ({"friction": -0.1}, r"objects\[1\]\.friction"),
        ({"shape": "sphere"}, r"objects\[1\].shape: expected one of cuboid, .*mesh, received 'sphere'"),
        ({"shape": None}, r"objects\[1\].shape: expected one of"),
        ({"diameter": 0.04}, r"objects\[1\].diameter: unknown key, expected one of color, .*width"),
        ({"width": 3.0}, r"objects\[1\].width: expected a value in \[0.005, 0.3\], received 3.0"),
        ({"width": "wide"}, r"objects\[1\].width: expected float, received 'wide'"),
        ({"color": "red"}, r"objects\[1\]: expected a color as #rrggbb, received 'red'"),
        ({"position": [0.5, 0.0]}, r"objects\[1\].position: expected a list of 3 values"),
        ({"yaw": 0.1, "rpy": [0, 0, 0]}, r"objects\[1\]: expected either yaw or rpy, received both"),
        ({"target": "yes"}, r"objects\[1\].target: expected bool, received 'yes'"),
    ],
)
def test_a_bad_row_is_refused_with_its_number(tmp_path: Path, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_preset(write(tmp_path, [CUBE, CUBE | changes]))


@pytest.mark.sim
def test_mass_density_and_friction_of_an_object_are_those_of_its_row(environment: Environment, tmp_path: Path) -> None:
    places = [{"position": [0.4 + 0.08 * index, 0.0, 0.01]} for index in range(4)]
    physics = [{}, {"mass": 0.3}, {"density": 500.0}, {"friction": 0.25}]
    rows = [CUBE | place | own for place, own in zip(places, physics, strict=True)]
    environment.reset(0, write(tmp_path, rows))
    found = [environment.world.bullet.getDynamicsInfo(body, -1) for body in environment.scene.blocks]
    volume = 0.04 * 0.03 * 0.02
    assert [item[0] for item in found] == pytest.approx([1200 * volume, 0.3, 500 * volume, 1200 * volume])
    assert [item[1] for item in found] == pytest.approx([0.6, 0.6, 0.6, 0.5])


def test_an_object_has_a_mass_or_a_density(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"objects\[0\]: expected either mass or density, received both"):
        load_preset(write(tmp_path, [CUBE | {"mass": 0.1, "density": 900.0}]))


CONCAVE = """o angle
v 0 0 0\nv 2 0 0\nv 2 1 0\nv 1 1 0\nv 1 2 0\nv 0 2 0
v 0 0 1\nv 2 0 1\nv 2 1 1\nv 1 1 1\nv 1 2 1\nv 0 2 1
f 3 2 1\nf 4 3 1\nf 6 5 4\nf 6 4 1\nf 7 8 9\nf 7 9 10\nf 10 11 12\nf 7 10 12
f 1 2 8 7\nf 2 3 9 8\nf 3 4 10 9\nf 4 5 11 10\nf 5 6 12 11\nf 6 1 7 12
"""


def test_a_concave_part_of_a_mesh_is_refused(tmp_path: Path) -> None:
    (tmp_path / "angle.obj").write_text(CONCAVE)
    row = {"shape": "mesh", "file": "angle.obj", "scale": 0.02, "color": "#ff0000", "position": [0.5, 0.0, 0.0]}
    with pytest.raises(ConfigError, match=r"objects\[0\]: file: .* part 1 of angle\.obj fills 86 % of its convex hull"):
        load_preset(write(tmp_path, [row]))


def test_a_row_that_lacks_something_is_refused(tmp_path: Path) -> None:
    row = {key: value for key, value in CUBE.items() if key != "height"}
    with pytest.raises(ConfigError, match=r"preset.yaml: objects\[0\].height: missing"):
        load_preset(write(tmp_path, [row]))


@pytest.mark.parametrize(
    ("file", "scale", "message"),
    [
        ("none.obj", 1.0, r"objects\[0\]: expected a readable OBJ file, received .*none.obj"),
        ("pyramid.obj", 1.0, r"objects\[0\]: scale: expected edges of 0.005 to 0.3 m, received 1 x 1 x 1 m"),
        ("pyramid.stl", 1.0, r"objects\[0\]: expected a mesh that ends in .obj or .urdf"),
    ],
)
def test_a_bad_mesh_is_refused_with_its_row(tmp_path: Path, file: str, scale: float, message: str) -> None:
    examples = resource("config/scenes/examples")
    row = {"shape": "mesh", "file": str(examples / file), "scale": scale, "color": "#ff0000", "position": [0.5, 0, 0]}
    with pytest.raises(ConfigError, match=message):
        load_preset(write(tmp_path, [row]))


@pytest.mark.parametrize("rows", [None, [], {}, "cuboid", [CUBE] * 51])
def test_a_preset_without_a_list_of_objects_is_refused(tmp_path: Path, rows: Any) -> None:
    with pytest.raises(ConfigError, match="objects: expected a list of 1 to 50, received"):
        load_preset(write(tmp_path, rows))


@pytest.mark.parametrize("row", [None, 3, "cuboid", ["cuboid"]])
def test_a_row_that_is_no_mapping_is_refused(tmp_path: Path, row: Any) -> None:
    with pytest.raises(ConfigError, match=r"objects\[0\]: expected a mapping"):
        load_preset(write(tmp_path, [row]))


def test_an_unknown_section_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="layout: unknown key, expected one of description, camera, textures"):
        load_preset(write(tmp_path, [CUBE], layout={}))


def test_a_preset_that_does_not_exist_is_refused() -> None:
    with pytest.raises(ConfigError, match=r"expected a file nowhere/at_all\.yaml"):
        load_preset("nowhere/at_all.yaml")


@pytest.mark.sim
@pytest.mark.parametrize(
    ("row", "error", "message"),
    [
        ({"position": [0.9, 0, 0.01]}, ConfigError, r"objects\[1\]: expected its center in the workspace"),
        ({"position": [0.52, 0, 0.01]}, ConfigError, r"objects\[0\]: .* at most 3 mm in objects\[1\]"),
        ({"position": [0.6, 0, 0.0]}, ConfigError, r"objects\[1\]: .* in the table, .*, received 10 mm"),
        (LEANING, SceneNotSettledError, r"objects\[1\]: expected it to rest on the table of the workspace, received"),
    ],
)
def test_an_object_where_it_cannot_stay_is_refused_and_leaves_an_empty_table(
    environment: Environment, tmp_path: Path, row: dict[str, Any], error: type[Exception], message: str
) -> None:
    preset = write(tmp_path, [CUBE, CUBE | row])
    with pytest.raises(error, match=message):
        environment.reset(0, preset)
    assert environment.world.bodies == ()
    assert environment.scene.blocks == {}


@pytest.mark.sim
@pytest.mark.parametrize(("targets", "blocks"), [(1, None), (None, 3)])
def test_numbers_of_blocks_are_refused_with_a_preset(
    environment: Environment, targets: int | None, blocks: int | None
) -> None:
    with pytest.raises(InvalidGoalError, match="expected no numbers of targets and blocks with preset"):
        environment.reset(0, TOWER, targets, blocks)


@pytest.mark.sim
def test_a_negative_seed_is_refused_with_a_preset(environment: Environment) -> None:
    with pytest.raises(InvalidGoalError, match="expected a seed of at least 0"):
        environment.reset(-1, TOWER)
