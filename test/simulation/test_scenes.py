"""Scenes are what they claim to be, and refused with a named error where they cannot be."""

import itertools
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from grippers import GRIPPER
from numpy.typing import NDArray
from tabletop import block_corners, deepest_penetration, footprint, overlap, rectangle

from impurity_grasp_ros.errors import ConfigError, InvalidGoalError, SceneNotSettledError, UnknownSceneError
from impurity_grasp_ros.simulation import scene_config
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.layouts import DroppedLayout, PackedLayout
from impurity_grasp_ros.simulation.scene_config import load_scene, scene_names

SCENES = ("random", "challenging", "invisible")
SEEDS = range(3)

in_all_scenes = pytest.mark.parametrize(("name", "seed"), list(itertools.product(SCENES, SEEDS)))


@pytest.mark.sim
@in_all_scenes
def test_a_scene_has_as_many_targets_and_blocks_as_its_file_says(
    environment: Environment, name: str, seed: int
) -> None:
    scene, (config, _) = environment.reset(seed, name), load_scene(name)
    assert (scene.name, scene.seed) == (name, seed)
    assert len(scene.targets) == config.targets
    assert len(scene.blocks) == config.targets + config.blocks
    assert set(scene.blocks) == set(environment.world.bodies)


@pytest.mark.sim
@in_all_scenes
def test_all_blocks_rest_on_the_table_within_the_workspace(environment: Environment, name: str, seed: int) -> None:
    environment.reset(seed, name)
    grid = environment.cell.workspace.grid
    for body in environment.world.bodies:
        corners = block_corners(environment, body)
        assert all(grid.contains(x, y) for x, y, _ in corners)
        assert corners[:, 2].min() > -0.002, "a block stands in the table"
    before = [environment.world.position(body) for body in environment.world.bodies]
    assert environment.world.at_rest()
    environment.world.step(120)
    after = [environment.world.position(body) for body in environment.world.bodies]
    np.testing.assert_allclose(after, before, atol=0.003, err_msg="a block that was to rest moved on")


@pytest.mark.sim
@in_all_scenes
def test_no_block_stands_in_another(environment: Environment, name: str, seed: int) -> None:
    environment.reset(seed, name)
    assert deepest_penetration(environment.world) < 0.004


@pytest.mark.sim
@in_all_scenes
def test_targets_have_a_color_of_their_own(environment: Environment, name: str, seed: int) -> None:
    blocks = environment.reset(seed, name).blocks.values()
    target_colors = {block.color for block in blocks if block.target}
    assert len(target_colors) == 1
    assert not target_colors & {block.color for block in blocks if not block.target}


def finger_footprints(
    outline: NDArray[np.float64], angle: float, shift: float, slack: float
) -> list[NDArray[np.float64]]:
    """Outlines (4, 2) of both finger tips beside a target that they close around; none if it is too wide."""
    closing, across = np.array([math.cos(angle), math.sin(angle)]), np.array([-math.sin(angle), math.cos(angle)])
    low, high = (outline @ closing).min(), (outline @ closing).max()
    opening = high - low + slack
    middle = closing * (low + high) / 2 + across * (np.mean(outline @ across) + shift)
    away = closing * (opening + GRIPPER.tip_thickness) / 2
    fingers = [rectangle(middle + sign * away, GRIPPER.tip_thickness, GRIPPER.tip_width, angle) for sign in (1, -1)]
    return fingers if opening <= GRIPPER.stroke else []


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(8))
def test_in_the_challenging_scene_no_target_is_graspable_without_a_push(environment: Environment, seed: int) -> None:
    scene = environment.reset(seed, "challenging")
    _, layout = load_scene("challenging")
    assert isinstance(layout, PackedLayout)
    tops = {body: block_corners(environment, body)[:, 2].max() for body in scene.blocks}
    for target in scene.targets:
        outline, reached = footprint(environment, target), tops[target] - layout.engagement
        walls = [footprint(environment, body) for body in scene.blocks if body != target and tops[body] > reached]
        for angle, shift in itertools.product(np.arange(16) * math.pi / 16, (-0.008, 0.0, 0.008)):
            fingers = finger_footprints(outline, float(angle), shift, slack=0.006)
            assert not fingers or any(overlap(finger, wall) for finger in fingers for wall in walls)


@pytest.mark.sim
@pytest.mark.parametrize("seed", range(8))
def test_in_the_invisible_scene_hardly_a_pixel_of_a_target_is_seen(environment: Environment, seed: int) -> None:
    scene, world = environment.reset(seed, "invisible"), environment.world
    seen = environment.camera.visible_pixels()
    for target in scene.targets:
        for body in set(scene.blocks) - {target}:
            world.bullet.resetBasePositionAndOrientation(body, [5.0, 5.0, 0.0], [0.0, 0.0, 0.0, 1.0])
        alone = environment.camera.visible_pixels()[target]
        assert alone > 200
        assert seen.get(target, 0) < 0.02 * alone
        environment.reset(seed, "invisible")


@pytest.mark.sim
@pytest.mark.parametrize(
    ("name", "targets", "blocks"),
    [
        ("random", 0, 0), ("random", 1, 0), ("random", 0, 3), ("random", 4, 6),
        ("challenging", 0, 0), ("challenging", 0, 1), ("challenging", 1, 12), ("challenging", 3, 9),
        ("invisible", 0, 0), ("invisible", 1, 5), ("invisible", 1, 13), ("invisible", 0, 9), ("invisible", 0, 11),
        ("invisible", 0, 19), ("invisible", 3, 15),
    ],
)  # fmt: skip
def test_the_numbers_asked_for_are_honored(environment: Environment, name: str, targets: int, blocks: int) -> None:
    scene = environment.reset(1, name, targets, blocks)
    assert len(scene.targets) == targets
    assert len(scene.blocks) == len(environment.world.bodies) == targets + blocks


def assert_refused(environment: Environment, error: type[Exception], message: str, *arguments: Any) -> None:
    """The reset raises and leaves an empty table."""
    environment.reset(0, "random", targets=1, blocks=0)
    with pytest.raises(error, match=message):
        environment.reset(*arguments)
    assert environment.world.bodies == ()
    assert environment.scene.blocks == {}


@pytest.mark.sim
def test_an_unknown_scene_is_refused_with_the_known_ones(environment: Environment) -> None:
    assert_refused(environment, UnknownSceneError, "novel, .*random, .*received 'tidy'", 0, "tidy")


@pytest.mark.sim
@pytest.mark.parametrize(("targets", "blocks"), [(11, 5), (2, 41), (-1, 5), (2, -1)])
@pytest.mark.parametrize("name", SCENES)
def test_numbers_out_of_range_are_refused(environment: Environment, name: str, targets: int, blocks: int) -> None:
    assert_refused(environment, InvalidGoalError, "expected 0..10 targets and 0..40 blocks", 0, name, targets, blocks)


@pytest.mark.sim
def test_a_negative_seed_is_refused(environment: Environment) -> None:
    assert_refused(environment, InvalidGoalError, "expected a seed of at least 0, received -1", -1, "random")


@pytest.mark.sim
@pytest.mark.parametrize(("targets", "blocks"), [(1, 4), (2, 9), (10, 8), (1, 0)])
def test_too_few_blocks_to_hide_the_targets_are_refused(environment: Environment, targets: int, blocks: int) -> None:
    message = f"expected at least {5 * targets} blocks to hide {targets} targets, received {blocks}"
    assert_refused(environment, InvalidGoalError, message, 0, "invisible", targets, blocks)


@pytest.mark.sim
def test_too_few_blocks_for_a_heap_without_a_target_are_refused(environment: Environment) -> None:
    assert_refused(environment, InvalidGoalError, "expected at least 6 blocks to build a heap", 0, "invisible", 0, 5)


@pytest.mark.sim
def test_a_scene_that_cannot_be_what_it_claims_is_given_up(environment: Environment) -> None:
    """A lone block is graspable, however often it is placed."""
    assert_refused(environment, SceneNotSettledError, "failed 40 times with seed 0", 0, "challenging", 1, 0)


def test_every_shipped_scene_loads() -> None:
    assert set(scene_names()) >= {*SCENES, "noisy", "novel"}
    for name in scene_names():
        config, _ = load_scene(name)
        assert config.description


DROPPED = {"height": 0.1, "spread": 0.1, "interval": 0.2, "upright": 0.6, "margin": 0.03}
TIDY = {
    "description": "One block.",
    "targets": 1,
    "blocks": 0,
    "palettes": ["blue_red"],
    "layout": {"dropped": DROPPED},
}


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"layout": None}, "tidy.layout: expected exactly one of dropped, packed, heaped"),
        ({"layout": {}}, "tidy.layout: expected exactly one of"),
        ({"layout": {"scattered": {}}}, "tidy.layout: expected exactly one of"),
        ({"layout": {"dropped": DROPPED, "packed": {}}}, "tidy.layout: expected exactly one of"),
        ({"layout": {"dropped": {}}}, "tidy.dropped.height: missing"),
        ({"layout": {"dropped": {**DROPPED, "height": 9.0}}}, "tidy.dropped.height: expected a value in"),
        ({"targets": "two"}, "tidy.targets: expected int"),
        ({"targets": 11}, "tidy.targets: expected a value in"),
        ({"colour": "red"}, "tidy.colour: unknown key"),
        ({"camera": {"depth_sigma": 0.003}}, "tidy.camera.edge_jump: missing"),
        ({"textures": {"blocks": 2.0, "table": 0.1}}, "tidy.textures.blocks: expected a value in"),
        ({"meshes": {"share": "all"}}, "tidy.meshes.share: expected float"),
    ],
)
def test_a_bad_scene_file_is_refused_with_the_name_of_the_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, changes: dict[str, Any], message: str
) -> None:
    (tmp_path / "tidy.yaml").write_text(yaml.safe_dump(TIDY | changes), encoding="utf-8")
    monkeypatch.setattr(scene_config, "SCENES_FOLDER", str(tmp_path))
    with pytest.raises(ConfigError, match=message):
        load_scene("tidy")


def test_a_scene_file_of_ones_own_is_loaded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "tidy.yaml").write_text(yaml.safe_dump(TIDY), encoding="utf-8")
    monkeypatch.setattr(scene_config, "SCENES_FOLDER", str(tmp_path))
    config, layout = load_scene("tidy")
    assert (config.targets, config.blocks) == (1, 0)
    assert isinstance(layout, DroppedLayout)
