"""The scenes that no policy was trained with: novel shapes and colors, noise, other sizes and places of blocks."""

import numpy as np
import pytest
from grippers import GRIPPER
from tabletop import deepest_penetration, poses

from impurity_grasp_ros.datatypes import Primitive
from impurity_grasp_ros.errors import ConfigError, InvalidGoalError
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.hidden_layouts import StackedLayout
from impurity_grasp_ros.simulation.library import shape_ranges
from impurity_grasp_ros.simulation.probe import corners, visible_fractions
from impurity_grasp_ros.simulation.scene_config import load_scene, scene_names

PUSH = Primitive.push((0.45, 0.0, 0.012), 0.4)


def test_no_palette_of_the_novel_scene_is_used_by_another() -> None:
    others = {palette for name in scene_names() if name != "novel" for palette in load_scene(name)[0].palettes}
    assert not others & set(load_scene("novel")[0].palettes)


def test_the_noisy_scene_has_the_blocks_of_the_random_one() -> None:
    noisy, random = load_scene("noisy"), load_scene("random")
    assert noisy[1] == random[1]
    for name in ("targets", "blocks", "palettes", "meshes"):
        assert getattr(noisy[0], name) == getattr(random[0], name)


@pytest.mark.sim
@pytest.mark.parametrize("seed", [0, 1])
def test_in_the_novel_scene_meshes_rest_in_the_workspace_and_fit_between_the_fingers(
    environment: Environment, seed: int
) -> None:
    scene, (config, _) = environment.reset(seed, "novel"), load_scene("novel")
    assert (len(scene.targets), len(scene.blocks)) == (config.targets, config.targets + config.blocks)
    assert {block.shape.kind for block in scene.blocks.values()} == {"mesh"}
    assert environment.world.at_rest()
    assert deepest_penetration(environment.world) < 0.004
    directions = np.array([[np.cos(angle), np.sin(angle)] for angle in np.linspace(0.0, np.pi, 32, endpoint=False)])
    for body, block in scene.blocks.items():
        points = corners(environment.world, body, block)
        assert all(environment.cell.workspace.grid.contains(x, y) for x, y, _ in points)
        assert points[:, 2].min() > -0.003
        assert points[:, 2].max() > 0.012, "too low for the fingers"
        assert np.ptp(points[:, :2] @ directions.T, axis=0).min() < GRIPPER.stroke - 0.01


@pytest.mark.sim
def test_a_seed_gives_the_same_novel_scene_and_the_same_push_and_another_seed_another(environment: Environment) -> None:
    runs = []
    for seed in (2, 2, 3):
        colors = [block.color for block in environment.reset(seed, "novel", 1, 4).blocks.values()]
        before = poses(environment)
        environment.step(PUSH)
        runs.append((colors, before, poses(environment)))
    assert runs[0][0] == runs[1][0]
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    np.testing.assert_array_equal(runs[0][2], runs[1][2])
    assert not np.array_equal(runs[0][1], runs[2][1])


@pytest.mark.sim
def test_a_noisy_scene_has_the_poses_of_the_random_one_and_the_same_frames_for_the_same_actions(
    environment: Environment,
) -> None:
    environment.reset(4, "random", 1, 4)
    plain, rendered = poses(environment), environment.observe()
    frames = []
    for _ in range(2):
        environment.reset(4, "noisy", 1, 4)
        np.testing.assert_array_equal(poses(environment), plain)
        first, second = environment.observe(), environment.observe()
        environment.step(PUSH)
        frames.append((first, second, environment.observe()))
    for one, other in zip(*frames, strict=True):
        np.testing.assert_array_equal(one.color, other.color)
        np.testing.assert_array_equal(one.depth, other.depth)
    assert not np.array_equal(frames[0][0].depth, frames[0][1].depth)
    errors = (frames[0][0].depth - rendered.depth)[frames[0][0].depth > 0.0]
    assert 0.001 < errors.std() < 0.002
    assert 0.001 < (frames[0][0].depth == 0.0).mean() < 0.05


@pytest.mark.sim
def test_textures_differ_from_seed_to_seed_and_are_gone_after_the_next_reset(environment: Environment) -> None:
    environment.reset(0, "random", 1, 0)
    plain = environment.observe().color
    tables = []
    for seed in (0, 1, 0):
        environment.reset(seed, "noisy", 0, 0)
        environment.camera.noise = None
        tables.append(environment.observe().color)
    np.testing.assert_array_equal(tables[0], tables[2])
    assert tables[0].std() > plain[:100].std()
    assert not np.array_equal(tables[0], tables[1])
    environment.reset(0, "random", 1, 0)
    np.testing.assert_array_equal(environment.observe().color, plain)
    assert environment.camera.noise is None


@pytest.mark.sim
def test_ground_truth_has_no_noise_and_takes_none_away(environment: Environment) -> None:
    environment.reset(5, "random", 1, 4)
    _, truth = environment.camera.capture_with_bodies()
    pixels = environment.camera.visible_pixels()
    environment.reset(5, "noisy", 1, 4)
    assert environment.camera.visible_pixels() == pixels
    first = environment.observe()
    environment.reset(5, "noisy", 1, 4)
    frame, bodies = environment.camera.capture_with_bodies()
    np.testing.assert_array_equal(bodies, truth)
    np.testing.assert_array_equal(frame.depth, first.depth)  # looking at the truth alone drew no noise


@pytest.mark.sim
@pytest.mark.parametrize("name", ["novel", "noisy"])
def test_targets_stay_the_ones_of_another_color(environment: Environment, name: str) -> None:
    scene = environment.reset(1, name)
    frame, bodies = environment.camera.capture_with_bodies()
    means = {body: frame.color[bodies == body].mean(axis=0) for body in scene.blocks if (bodies == body).sum() > 50}
    ordinary = [color for body, color in means.items() if body not in scene.targets]
    for target in set(scene.targets) & set(means):
        assert min(np.linalg.norm(means[target] - color) for color in ordinary) > 40.0


NUMBERS = {"few": (3, 6), "large": (6, 12), "border": (8, 13), "stacks": (9, 13)}
"""Least and most blocks of a scene, its target among them."""


@pytest.mark.sim
@pytest.mark.parametrize("name", NUMBERS)
def test_blocks_of_other_sizes_and_places_rest_in_the_workspace(environment: Environment, name: str) -> None:
    counts = set()
    for seed in range(3):
        scene = environment.reset(seed, name)
        counts.add(len(scene.blocks))
        assert len(scene.targets) == 1
        assert environment.world.at_rest()
        for body, block in scene.blocks.items():
            points = corners(environment.world, body, block)
            assert environment.cell.workspace.grid.contains(*points[:, :2].mean(axis=0))
            assert points[:, 2].min() > -0.004
    low, high = NUMBERS[name]
    assert low <= min(counts) <= max(counts) <= high
    assert len(environment.reset(0, name, 1, 4).blocks) == 5, "numbers that are given are not drawn"


@pytest.mark.sim
def test_large_blocks_are_longer_and_heavier_than_those_of_other_scenes(environment: Environment) -> None:
    blocks = [block for seed in range(3) for block in environment.reset(seed, "large").blocks.values()]
    edges = np.array([np.ptp(block.shape.corners, axis=0) for block in blocks])
    masses = np.array([block.shape.volume for block in blocks]) * environment.world.config.density
    assert 0.075 < edges.max() <= 0.1
    assert 0.2 < masses.max() <= 0.4
    assert (np.sort(edges, axis=1)[:, 0] < GRIPPER.stroke - 0.015).all(), "each fits between the fingers"


@pytest.mark.sim
def test_blocks_at_the_border_lie_away_from_the_center(environment: Environment) -> None:
    for seed in range(2):
        scene = environment.reset(seed, "border")
        places = np.array([environment.world.position(body)[:2] for body in scene.blocks])
        offset = np.linalg.norm(places.mean(axis=0) - environment.cell.workspace.grid.middle)
        assert 0.08 < offset < 0.18


@pytest.mark.sim
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_in_a_stack_the_target_lies_flush_below_another_slab(environment: Environment, seed: int) -> None:
    scene, (_, layout) = environment.reset(seed, "stacks"), load_scene("stacks")
    assert isinstance(layout, StackedLayout)
    (target,) = scene.targets
    above = [
        body
        for body in scene.blocks
        if np.abs(np.subtract(environment.world.position(body), environment.world.position(target))[:2]).max() < 0.003
        and environment.world.position(body)[2] > environment.world.position(target)[2]
    ]
    assert above
    sizes = [np.ptp(scene.blocks[body].shape.corners, axis=0)[:2] for body in (target, above[0])]
    np.testing.assert_allclose(*sizes)
    visible = visible_fractions(
        environment.world, environment.camera, {target: scene.blocks[target]}, environment.camera.visible_pixels()
    )
    assert visible[target] < layout.max_visible


def test_too_few_blocks_to_cover_all_targets_are_refused(environment: Environment) -> None:
    with pytest.raises(InvalidGoalError, match="expected at least 2 blocks to cover 2 targets, received 1"):
        environment.reset(0, "stacks", 2, 1)


def test_a_scene_with_an_unknown_kind_of_shape_is_refused() -> None:
    with pytest.raises(ConfigError, match="own: unknown shape pyramid, expected one of cuboid"):
        shape_ranges({"pyramid": {}}, "own")
