"""The coat of a body is seen where the body is, turns with it, and goes with it."""

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation
from tabletop import put

from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.materials import Coat, Material
from impurity_grasp_ros.simulation.objects import Block, cuboid, spawn
from impurity_grasp_ros.simulation.shapes import Form

RED, BLUE = (0.9, 0.2, 0.1), (0.1, 0.2, 0.9)
CUBE = cuboid(0.06, 0.06, 0.04)
CHECKER = Material("checker", (RED, BLUE), 0.02, variant=0.2)

pytestmark = pytest.mark.sim


class Halves(Coat):
    """Red for x < 0, blue for x > 0, black below the top face."""

    def albedo(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        colors = np.where(points[:, :1] < 0.0, np.float32([RED]), np.float32([BLUE]))
        return np.where(points[:, 2:] > 0.019, colors, np.float32(0.0)).astype(np.float32)


def halves() -> Coat:
    drawn = CHECKER.coat((0.03, 0.03, 0.02), np.random.default_rng(0))
    return Halves(**vars(drawn))


def add(environment: Environment, coat: Coat | None, yaw: float = 0.0, x: float = 0.45) -> int:
    block = Block(CUBE, (0.5, 0.5, 0.5), False, "box", coat)
    return spawn(environment.world, block, np.array([x, 0.0, 0.02]), Rotation.from_euler("z", yaw).as_quat())


def top_pixels(environment: Environment, body: int) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Colors (n, 3) of the top of a body, and where (n, 2) those pixels are, meters in the base frame."""
    frame, bodies = environment.camera.capture_with_bodies()
    rows, columns = np.nonzero(bodies == body)
    depth, model = frame.depth[rows, columns].astype(np.float64), frame.intrinsics
    rays = np.column_stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, depth**0])
    points = (rays * depth[:, None]) @ frame.T_base_camera[:3, :3].T + frame.T_base_camera[:3, 3]
    top = points[:, 2] > 0.0395
    return frame.color[rows, columns][top], points[top, :2]


@pytest.mark.parametrize("yaw", [0.0, 0.7, 2.5])
def test_a_coat_is_seen_where_its_points_are_however_the_body_is_turned(environment: Environment, yaw: float) -> None:
    body = add(environment, halves(), yaw)
    colors, places = top_pixels(environment, body)
    x = (places - (0.45, 0.0)) @ (np.cos(yaw), np.sin(yaw))
    clear = np.abs(x) > 0.002  # the pixels between the halves are mixed
    blue = colors[clear][:, 2].astype(int) > colors[clear][:, 0]
    np.testing.assert_array_equal(blue, x[clear] > 0.0)
    assert len(colors) > 1000


class Coded(Coat):
    """The color says where in the body a point is."""

    def albedo(self, points: NDArray[np.floating]) -> NDArray[np.float32]:
        return (0.5 + np.asarray(points, np.float32) / 0.15).astype(np.float32)


@pytest.mark.parametrize("seed", [0, 1])
def test_a_body_in_any_pose_gets_the_colors_of_the_points_that_are_seen(environment: Environment, seed: int) -> None:
    rotation, position = Rotation.random(random_state=seed), np.array([0.42, 0.07, 0.06])
    white = Material("plain", ((1.0, 1.0, 1.0),)).coat((0.03, 0.03, 0.02), np.random.default_rng(0))
    body = spawn(environment.world, Block(CUBE, RED, False, "box", white), position, rotation.as_quat())
    frame, bodies = environment.camera.capture_with_bodies()
    environment.world.coats[body] = Coded(**vars(white))
    painted = environment.observe().color[bodies == body]
    rows, columns = np.nonzero(bodies == body)
    depth, model = frame.depth[rows, columns].astype(np.float64), frame.intrinsics
    rays = np.column_stack([(columns - model.cx_px) / model.fx_px, (rows - model.cy_px) / model.fy_px, depth**0])
    points = (rays * depth[:, None]) @ frame.T_base_camera[:3, :3].T + frame.T_base_camera[:3, 3]
    inside = rotation.inv().apply(points - position)
    expected = frame.color[rows, columns] * (0.5 + inside / 0.15)
    np.testing.assert_allclose(painted, expected, atol=2.0)
    assert np.ptp(inside, axis=0).min() > 0.02


def test_pixels_on_the_border_of_two_colors_are_mixed(environment: Environment) -> None:
    colors, places = top_pixels(environment, add(environment, halves(), 0.3))
    share = colors[:, 2] / (colors[:, 2].astype(float) + colors[:, 0])
    mixed = (share > 0.2) & (share < 0.8)
    x = (places - (0.45, 0.0)) @ (np.cos(0.3), np.sin(0.3))
    assert mixed.sum() > 20
    assert np.abs(x[mixed]).max() < 0.0012


def test_shading_is_the_renderers(environment: Environment) -> None:
    """A gray coat and a gray body look the same on every side."""
    for gray, tolerance in ((0.5, 1), (1.0, 0)):
        color = (gray,) * 3
        coat = Material("plain", (color,)).coat((0.03, 0.03, 0.02), np.random.default_rng(0))
        frames = []
        for block in (Block(CUBE, color, False), Block(CUBE, color, False, "box", coat)):
            body = spawn(environment.world, block, np.array([0.3, 0.1, 0.02]), Rotation.from_euler("z", 0.4).as_quat())
            frames.append(environment.observe())
            environment.world.remove_body(body)
        np.testing.assert_allclose(frames[0].color.astype(int), frames[1].color.astype(int), atol=tolerance)
        np.testing.assert_array_equal(frames[0].depth, frames[1].depth)


def test_a_coat_changes_no_other_pixel_and_no_depth(environment: Environment) -> None:
    other = put(environment, CUBE, 0.36, 0.0)
    bare = add(environment, None)
    plain, bodies = environment.camera.capture_with_bodies()
    environment.world.coats[bare] = halves()
    coated = environment.observe()
    changed = (plain.color != coated.color).any(axis=2)
    assert changed[bodies == bare].mean() > 0.9
    assert not changed[bodies != bare].any()
    np.testing.assert_array_equal(plain.depth, coated.depth)
    assert other in bodies


def test_a_removed_body_takes_its_coat_along_and_its_number_does_not_bring_it_back(environment: Environment) -> None:
    environment.camera.noise = None
    empty = environment.observe().color
    body = add(environment, halves())
    assert environment.world.coats
    environment.world.remove_body(body)
    assert not environment.world.coats
    np.testing.assert_array_equal(environment.observe().color, empty)


def test_a_cleared_world_has_no_coats_and_the_frames_it_had_before(environment: Environment) -> None:
    environment.reset(3, "random", 1, 4)
    before = environment.observe()
    environment.reset(0, "coal_slate", 1, 3)
    assert len(environment.world.coats) == 4
    environment.reset(3, "random", 1, 4)
    assert not environment.world.coats
    np.testing.assert_array_equal(environment.observe().color, before.color)


def test_a_rehearsal_sees_the_coats(environment: Environment) -> None:
    environment.reset(0, "coal_slate", 1, 3)
    seen = environment.rehearse(lambda: environment.observe().color)
    np.testing.assert_array_equal(seen, environment.observe().color)


def test_gloss_adds_light_where_a_pebble_reflects_the_lamp_and_nowhere_else(environment: Environment) -> None:
    pebble, frames = Form("pebble", 0.05).piece(np.random.default_rng(0)), []
    for gloss in (0.0, 0.5):
        coat = Material("plain", (BLUE,), gloss=gloss).coat(pebble.half_size.tolist(), np.random.default_rng(0))
        block = Block(pebble, BLUE, False, "pebble", coat)
        body = spawn(environment.world, block, np.array([0.45, 0.0, 0.02]), np.array([0.0, 0.0, 0.0, 1.0]))
        frame, bodies = environment.camera.capture_with_bodies()
        frames.append(frame.color.astype(int))
        environment.world.remove_body(body)
    gain = (frames[1] - frames[0])[bodies == body]
    assert gain.min() >= 0
    assert gain.max() > 90
    assert 0.2 < (gain.max(axis=1) < 5).mean() < 0.9, "the sides that face away from the lamp stay matt"


def test_fine_patterns_do_not_turn_into_coarse_ones(environment: Environment) -> None:
    """Stripes finer than a pixel look gray, with less contrast than one sample per pixel would give."""
    black, white = (0.0,) * 3, (1.0,) * 3
    spreads = []
    for scale in (0.0007, 0.02):
        coat = Material("checker", (black, white), scale, variant=0.2).coat(
            (0.03, 0.03, 0.02), np.random.default_rng(0)
        )
        body = add(environment, coat, 0.4)
        spreads.append(top_pixels(environment, body)[0].std())
        environment.world.remove_body(body)
    assert spreads[0] < 0.6 * spreads[1]
