"""The simulated fingers go where they are told, stall on what they hold and report its width."""

import numpy as np
import pybullet
import pytest
from grippers import GRIPPER, KINEMATICS
from scipy.spatial.transform import Rotation
from tabletop import put

from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import Shape, cuboid, cylinder
from impurity_grasp_ros.transform import tool_down

pytestmark = pytest.mark.sim

OPENINGS = [0.0, 0.01, 0.03, 0.06, GRIPPER.stroke]
WIDTHS = [0.03, 0.045, 0.06]


def move_fingers(environment: Environment, opening: float) -> float:
    """Move the fingers until they stop; returns the simulated seconds."""
    start = environment.world.time
    environment.gripper.start_motion(opening)
    while environment.gripper.is_moving():
        environment.world.step()
        assert environment.world.time - start < 3.0, "the fingers never stop"
    return environment.world.time - start


def reach_down(environment: Environment, shape: Shape, *, yaw: float = 0.0, offset: float = 0.0) -> int:
    """Stand a block between the open fingers, the tool close to the table; returns the block's body.

    yaw: radians that the tool is turned against the block. offset: meters that the block is off the pads' middle.
    """
    joints = KINEMATICS.nearest(tool_down((0.5, 0.0, 0.01), yaw), np.array(environment.cell.home))
    assert joints is not None
    environment.gripper.jump_to(GRIPPER.stroke)
    environment.arm.jump_to(joints)
    body = put(environment, shape, 0.5, offset)
    environment.world.settle(1.0)
    return body


def lift(environment: Environment) -> None:
    """Raise the tool by 0.15 m, in a second."""
    lifted = environment.arm.tool_pose()
    lifted[2, 3] += 0.15
    environment.arm.start_linear_motion(lifted, 0.4, 2.5)
    environment.world.step(240)


@pytest.mark.parametrize("start", OPENINGS)
@pytest.mark.parametrize("goal", OPENINGS)
def test_free_fingers_reach_the_opening(environment: Environment, start: float, goal: float) -> None:
    environment.gripper.jump_to(start)
    move_fingers(environment, goal)
    assert environment.gripper.opening() == pytest.approx(goal, abs=0.001)


@pytest.mark.parametrize("opening", OPENINGS)
def test_jumping_places_the_fingers_at_rest(environment: Environment, opening: float) -> None:
    environment.gripper.jump_to(opening)
    assert environment.gripper.opening() == pytest.approx(opening, abs=1e-6)
    assert not environment.gripper.is_moving()
    environment.world.step(60)
    assert environment.gripper.opening() == pytest.approx(opening, abs=0.001)


def test_fingers_move_no_faster_than_configured(environment: Environment) -> None:
    environment.gripper.jump_to(GRIPPER.stroke)
    assert move_fingers(environment, 0.0) >= GRIPPER.stroke / environment.config.gripper_speed


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("kind", ["cuboid", "cylinder"])
def test_fingers_stall_on_a_block_and_report_its_width(environment: Environment, kind: str, width: float) -> None:
    reach_down(environment, cuboid(width, 0.04, 0.04) if kind == "cuboid" else cylinder(width, 0.04))
    move_fingers(environment, 0.0)
    assert environment.gripper.opening() == pytest.approx(width, abs=0.004)


def test_a_held_block_neither_creeps_nor_slips(environment: Environment) -> None:
    body = reach_down(environment, cuboid(0.03, 0.04, 0.04))
    move_fingers(environment, 0.0)
    lift(environment)
    height = environment.world.position(body)[2]
    assert height == pytest.approx(0.02 + 0.15, abs=0.01)
    environment.world.step(480)
    assert environment.world.position(body)[2] == pytest.approx(height, abs=0.002)
    assert environment.gripper.opening() == pytest.approx(0.03, abs=0.004)
    assert not environment.gripper.is_moving()


@pytest.mark.parametrize(("yaw", "offset"), [(0.1, 0.012), (0.2, 0.0), (0.2, 0.015), (0.3, 0.01)])
def test_a_block_held_askew_stays_where_it_is_between_the_pads(
    environment: Environment, yaw: float, offset: float
) -> None:
    body = reach_down(environment, cuboid(0.04, 0.05, 0.04), yaw=yaw, offset=offset)
    move_fingers(environment, 0.0)
    lift(environment)
    position, orientation = environment.world.pose(body)
    environment.world.step(480)
    later, turned = environment.world.pose(body)
    assert np.abs(np.subtract(later, position)).max() < 1e-4
    turn = Rotation.from_quat(turned) * Rotation.from_quat(orientation).inv()
    assert turn.magnitude() < np.radians(0.1)


def test_fingers_that_lose_their_hold_close_on(environment: Environment) -> None:
    body = reach_down(environment, cuboid(0.03, 0.04, 0.04))
    move_fingers(environment, 0.0)
    environment.world.remove_body(body)
    environment.world.step(480)
    assert environment.gripper.opening() < environment.cell.motion.held_opening
    assert not environment.gripper.is_moving()


def test_a_squeezed_block_stays_whole_between_pads_that_do_not_sink_in(environment: Environment) -> None:
    body = reach_down(environment, cuboid(0.03, 0.04, 0.04))
    move_fingers(environment, 0.0)
    environment.world.step(240)
    contacts = environment.world.bullet.getContactPoints(bodyA=body)
    assert min(contact[8] for contact in contacts) > -0.002


def still_holds(environment: Environment, body: int, pull: float) -> bool:
    """Whether a lifted block stays between the pads while it is pulled down for half a second; pull: newtons."""
    world = environment.world
    below = environment.arm.tool_pose()[2, 3] - world.position(body)[2]
    for _ in range(120):
        world.bullet.applyExternalForce(
            body, -1, [0.0, 0.0, -pull], world.position(body).tolist(), pybullet.WORLD_FRAME
        )
        world.step()
    return bool(abs(environment.arm.tool_pose()[2, 3] - world.position(body)[2] - below) < 0.003)


@pytest.mark.parametrize("friction", [0.3, 0.54, 0.8])
def test_pads_hold_up_to_twice_the_friction_of_the_finger_force(environment: Environment, friction: float) -> None:
    environment.set_pad_friction(friction)
    body = reach_down(environment, cuboid(0.03, 0.03, 0.03))
    move_fingers(environment, 0.0)
    lift(environment)
    most = 2 * friction * 30.0
    assert still_holds(environment, body, 0.85 * most)
    assert not still_holds(environment, body, 1.25 * most)


def self_aligning_angle(width: float, depth: float, askew: float) -> float:
    """Angle in radians between the line through both contacts and the contact normals; up to it, friction jams a block.

    The pads touch two opposite corners of the block, or with their edges two of its faces if the corners are beside the
    pads, which are 22 mm wide.
    """
    diagonal = np.arctan2(depth, width)
    if np.hypot(width, depth) * np.sin(diagonal - askew) <= 0.022:
        return float(diagonal - askew)
    distance = np.hypot((width + 0.022 * np.sin(askew)) / np.cos(askew), 0.022)
    return float(np.arccos(width / distance))


@pytest.mark.parametrize("friction", [0.3, 0.54])
@pytest.mark.parametrize(("width", "depth"), [(0.04, 0.04), (0.05, 0.03)])
@pytest.mark.parametrize("askew", [4, 11, 20, 30, 40])
def test_a_block_aligns_itself_unless_its_corners_jam(
    environment: Environment, friction: float, width: float, depth: float, askew: int
) -> None:
    turns = self_aligning_angle(width, depth, np.radians(askew)) > np.arctan(friction)
    environment.set_pad_friction(friction)
    body = reach_down(environment, cuboid(width, depth, 0.03), yaw=np.radians(askew))
    move_fingers(environment, 0.0)
    environment.world.step(60)
    _, orientation = environment.world.pose(body)
    left = askew - np.degrees(Rotation.from_quat(orientation).as_euler("xyz")[2])
    assert abs(left) < 3.0 if turns else left > 0.7 * askew
