"""The judge of generated scenes sees what is hidden and knows where fingers fit."""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pytest
from grippers import GRIPPER
from scipy.spatial.transform import Rotation
from tabletop import RED

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.simulation.camera import SimulatedCamera
from impurity_grasp_ros.simulation.environment import load_simulation
from impurity_grasp_ros.simulation.gripper import SimulatedGripper
from impurity_grasp_ros.simulation.objects import Block, Shape, cuboid, cylinder, half_cylinder, spawn, triangle
from impurity_grasp_ros.simulation.probe import GraspProbe, corners, visible_fractions
from impurity_grasp_ros.simulation.robot import Robot
from impurity_grasp_ros.simulation.ur5 import SimulatedArm
from impurity_grasp_ros.simulation.world import World

pytestmark = pytest.mark.sim

ENGAGEMENT = 0.012
CUBE = cuboid(0.03, 0.03, 0.04)
SHAPES = [CUBE, cylinder(0.04, 0.04), half_cylinder(0.05, 0.04), triangle(0.05, 0.04, 0.04)]


@dataclass
class Bench:
    """A robot, a probe and nothing else: blocks float where they are put, for no time passes."""

    world: World
    arm: SimulatedArm
    gripper: SimulatedGripper
    probe: GraspProbe
    camera: SimulatedCamera

    def put(self, shape: Shape, x: float, y: float, yaw: float = 0.0) -> int:
        orientation = Rotation.from_euler("z", yaw).as_quat()
        return spawn(self.world, Block(shape, RED, True), np.array([x, y, shape.height / 2]), orientation)

    def fits(self, body: int, shape: Shape) -> bool:
        return self.probe.fits(body, Block(shape, RED, True), ENGAGEMENT)

    def visible(self, body: int, shape: Shape) -> float:
        blocks = {body: Block(shape, RED, True)}
        return visible_fractions(self.world, self.camera, blocks, self.camera.visible_pixels())[body]


@pytest.fixture
def bench(cell: CellConfig) -> Iterator[Bench]:
    config = load_simulation()
    world = World(config.physics)
    robot = Robot(world, GRIPPER)
    arm = SimulatedArm(robot, np.array(cell.home), contact_force=config.contact_force)
    gripper = SimulatedGripper(robot, speed=config.gripper_speed, force=config.gripper_force)
    camera = SimulatedCamera(world, load_cell().calibration)
    yield Bench(world, arm, gripper, GraspProbe(world, robot, arm, gripper), camera)
    world.close()


def ring(count: int, distance: float) -> list[tuple[float, float, float]]:
    """Places (x, y) and directions all around the middle of the workspace."""
    angles = [2 * math.pi * k / count for k in range(count)]
    return [(0.5 + distance * math.cos(angle), distance * math.sin(angle), angle) for angle in angles]


def test_corners_are_where_the_block_lies(bench: Bench) -> None:
    body = bench.put(CUBE, 0.5, -0.1, math.pi / 2)
    points = corners(bench.world, body, Block(CUBE, RED, True))
    np.testing.assert_allclose(points.min(axis=0), [0.485, -0.115, 0.0], atol=1e-9)
    np.testing.assert_allclose(points.max(axis=0), [0.515, -0.085, 0.04], atol=1e-9)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
@pytest.mark.parametrize(("x", "y"), [(0.35, -0.15), (0.5, 0.0), (0.65, 0.15)])
def test_a_lone_block_is_wholly_visible(bench: Bench, shape: Shape, x: float, y: float) -> None:
    assert bench.visible(bench.put(shape, x, y, 0.3), shape) == pytest.approx(1.0, abs=0.03)


def test_a_covered_block_is_invisible_and_a_half_covered_one_half_visible(bench: Bench) -> None:
    small = cuboid(0.04, 0.04, 0.02)
    covered, half = bench.put(small, 0.5, 0.0), bench.put(small, 0.5, 0.15)
    bench.put(cuboid(0.06, 0.06, 0.022), 0.5, 0.0)
    bench.put(cuboid(0.06, 0.06, 0.022), 0.53, 0.15)
    assert bench.visible(covered, small) == 0.0
    assert bench.visible(half, small) == pytest.approx(0.5, abs=0.1)


@pytest.mark.parametrize("shape", SHAPES, ids=lambda shape: shape.kind)
@pytest.mark.parametrize(("x", "y"), [(0.30, -0.2), (0.5, 0.0), (0.69, 0.2)])
def test_fingers_fit_around_a_lone_block(bench: Bench, shape: Shape, x: float, y: float) -> None:
    assert bench.fits(bench.put(shape, x, y, 0.7), shape)


def test_fingers_do_not_fit_around_a_block_that_is_walled_in(bench: Bench) -> None:
    body = bench.put(CUBE, 0.5, 0.0)
    for x, y, angle in ring(4, 0.015 + 0.005 + 0.002):
        bench.put(cuboid(0.01, 0.08, 0.04), x, y, angle)
    assert not bench.fits(body, CUBE)


@pytest.mark.parametrize("angle", [0.0, math.pi / 2])
def test_fingers_fit_through_two_opposite_gaps(bench: Bench, angle: float) -> None:
    body = bench.put(CUBE, 0.5, 0.0)
    for sign in (1, -1):
        x, y = 0.5 + sign * 0.022 * math.cos(angle), sign * 0.022 * math.sin(angle)
        bench.put(cuboid(0.01, 0.03, 0.04), x, y, angle)
    assert bench.fits(body, CUBE)


def test_walls_lower_than_the_finger_tips_reach_do_not_matter(bench: Bench) -> None:
    body = bench.put(CUBE, 0.5, 0.0)
    for x, y, angle in ring(4, 0.022):
        bench.put(cuboid(0.01, 0.08, 0.04 - ENGAGEMENT - 0.002), x, y, angle)
    assert bench.fits(body, CUBE)


def test_grasps_keep_to_the_gaps_and_the_least_open_come_first(bench: Bench) -> None:
    body, block = bench.put(CUBE, 0.5, 0.0), Block(CUBE, RED, True)
    alone = bench.probe.grasps(body, block, ENGAGEMENT)
    assert len({grasp.angle for grasp in alone}) == 16
    assert [grasp.opening for grasp in alone] == sorted(grasp.opening for grasp in alone)
    assert all(0.03 < grasp.opening < 0.055 for grasp in alone)
    for sign in (1, -1):
        bench.put(cuboid(0.01, 0.08, 0.04), 0.5 + sign * 0.022, 0.0)
    between = bench.probe.grasps(body, block, ENGAGEMENT)
    assert {grasp.angle for grasp in between} == {math.pi / 2}
    assert all(grasp.position[:2] == pytest.approx((0.5, 0.0), abs=0.0081) for grasp in between)


def test_fingers_do_not_fit_around_a_block_wider_than_their_stroke(bench: Bench) -> None:
    wide = cuboid(0.09, 0.09, 0.04)
    assert not bench.fits(bench.put(wide, 0.5, 0.0), wide)


def test_a_probe_leaves_everything_as_it_was(bench: Bench) -> None:
    bench.gripper.jump_to(0.02)
    body = bench.put(CUBE, 0.5, 0.0)
    before = bench.arm.joint_positions(), bench.gripper.opening(), bench.world.pose(body), bench.world.time
    bench.fits(body, CUBE)
    np.testing.assert_array_equal(bench.arm.joint_positions(), before[0])
    assert bench.gripper.opening() == pytest.approx(before[1], abs=1e-9)
    np.testing.assert_array_equal(np.concatenate(bench.world.pose(body)), np.concatenate(before[2]))
    assert bench.world.time == before[3]
