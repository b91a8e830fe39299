"""An object that a stopped primitive left in the fingers is put down where it cannot fall far, or kept."""

import math
from dataclasses import replace

import numpy as np
import pytest
from fake_devices import Execute, FakeRobot
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import CanceledError, RecoveryNeededError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.motion.holding import put_down
from impurity_grasp_ros.motion.waypoints import Fingers, FreeAir, Rise, Straight, Transit
from impurity_grasp_ros.transform import Transform, tool_down

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.40, -0.10, 0.02), 0.4)
WIDTH = 0.03


def executor_of(robot: FakeRobot, cell: CellConfig, held_on_cancel: str) -> PrimitiveExecutor:
    chosen = replace(cell, motion=replace(cell.motion, held_on_cancel=held_on_cancel))
    return PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, chosen)


def stop_while_holding(execute: Execute, robot: FakeRobot, phase: str) -> None:
    """Stop a grasp in a phase, with an object of 30 mm between the fingers."""
    robot.place_object(WIDTH)
    robot.cancel_in = [phase]
    with pytest.raises(CanceledError):
        execute(GRASP)
    robot.cancel_in = []
    robot.clock.sleep(5.0)
    robot.phases.clear()
    robot.at_phase.clear()
    robot.gripper.commands.clear()
    assert robot.gripper.is_holding()


def letting_go(robot: FakeRobot) -> list[Transform]:
    """List that gets the tool pose whenever the fingers are commanded to open beyond the object."""
    poses: list[Transform] = []

    def on_start(opening: float) -> None:
        if 0.0 < robot.gripper.width < opening:
            poses.append(robot.arm.tool_pose())

    robot.gripper.on_start = on_start
    return poses


@pytest.mark.parametrize("surface", [0.0, 0.03], ids=["on the table", "on a heap"])
@pytest.mark.parametrize("phase", ["lift", "carry"], ids=["low", "high"])
def test_the_next_goal_first_puts_down_the_object_where_it_meets_something(
    execute: Execute, robot: FakeRobot, phase: str, surface: float
) -> None:
    stop_while_holding(execute, robot, phase)
    robot.arm.force = lambda T_base_tool: 25.0 if T_base_tool[2, 3] < surface else 0.0
    poses = letting_go(robot)
    assert execute(PUSH).status is OutcomeStatus.PUSHED or surface
    (pose,) = poses
    np.testing.assert_allclose(pose[:2, 3], GRASP.position[:2], atol=0.01)  # the fake arm moves on an arc
    assert pose[2, 3] <= max(surface, 0.002)
    assert robot.phases[:3] == ["rise", "put_down", "rise"]
    assert robot.gripper.commands[0] == pytest.approx(WIDTH + 0.02)


def test_it_goes_down_slowly_with_a_new_force_baseline(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    stop_while_holding(execute, robot, "lift")
    robot.arm.speeds.clear()
    robot.arm.offset = (0.0, 0.0, -8.0)  # the object is heavier than the payload
    robot.arm.force = lambda T_base_tool: 21.0 if T_base_tool[2, 3] < 0.05 else 0.0
    poses = letting_go(robot)
    executor_of(robot, cell, "put_down").go_home(Supervision(on_phase=robot.on_phase))
    assert poses[0][2, 3] == pytest.approx(0.05, abs=0.03)
    down = robot.arm.commands[-len(robot.arm.speeds) :].index("linear")
    assert cell.motion.contact_speed in robot.arm.speeds[down:]


@pytest.mark.parametrize("away", [False, True], ids=["between workspace and bin", "over the bin"])
def test_an_object_on_its_way_to_the_bin_is_taken_there(
    execute: Execute, robot: FakeRobot, cell: CellConfig, away: bool
) -> None:
    x, y, _ = (cell.drop_bin.x, cell.drop_bin.y, 0.0) if away else (0.36, -0.28, 0.0)
    assert not cell.workspace.grid.contains(x, y)
    stop_while_holding(execute, robot, "lift")
    pose = robot.arm.tool_pose()
    pose[:3, 3] = x, y, 0.2
    robot.move_to(pose)
    poses = letting_go(robot)
    assert execute(PUSH).status is OutcomeStatus.PUSHED
    assert cell.drop_bin.contains(*poses[0][:2, 3])
    assert poses[0][2, 3] == pytest.approx(cell.motion.release_height)


def test_a_kept_object_refuses_goals_until_home_is_requested(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    stop_while_holding(execute, robot, "lift")
    executor, before, poses = executor_of(robot, cell, "keep"), robot.arm.joint_positions(), letting_go(robot)
    for _ in range(2):
        with pytest.raises(RecoveryNeededError, match="expected empty fingers, they hold something 30 mm wide"):
            executor.execute(PUSH)
    np.testing.assert_array_equal(robot.arm.joint_positions(), before)
    assert robot.gripper.commands == []
    executor.go_home()
    assert poses[0][2, 3] <= 0.002
    assert executor.execute(PUSH).status is OutcomeStatus.PUSHED


def test_a_cancel_while_putting_down_leaves_the_object_held(execute: Execute, robot: FakeRobot) -> None:
    stop_while_holding(execute, robot, "lift")
    robot.cancel_in = ["put_down"]
    with pytest.raises(CanceledError):
        execute(PUSH)
    assert robot.stands_still()
    assert robot.phases == ["rise", "put_down"]
    assert robot.gripper.is_holding()


@pytest.mark.parametrize("opening", [0.0, 0.05])
def test_fingers_that_hold_nothing_put_nothing_down(execute: Execute, robot: FakeRobot, opening: float) -> None:
    robot.gripper.start_motion(opening)
    robot.clock.sleep(1.0)
    execute(PUSH)
    assert "put_down" not in robot.phases


def test_the_payload_is_that_of_the_held_object(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    robot.place_object(WIDTH)
    held_from = {}
    robot.at_phase["lift"] = lambda: held_from.update(lift=list(robot.arm.payloads))
    execute(GRASP)
    assert held_from["lift"] == [0.0, cell.motion.held_mass]
    assert robot.arm.payloads == [0.0, cell.motion.held_mass, 0.0]


def test_a_lost_object_is_no_payload(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
    robot.place_object(WIDTH)
    robot.lose_object_at("carry")
    assert execute(GRASP).status is OutcomeStatus.DROPPED
    assert robot.arm.payloads == [0.0, cell.motion.held_mass, 0.0]


def test_the_next_goal_knows_the_payload_that_the_last_one_left(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    stop_while_holding(execute, robot, "lift")
    robot.arm.payloads.clear()
    execute(PUSH)
    assert robot.arm.payloads == [cell.motion.held_mass, 0.0]


@pytest.mark.parametrize(("opening", "release"), [(0.03, 0.05), (0.064, 0.084), (0.07, 0.085)])
def test_over_the_workspace_it_goes_straight_down(cell: CellConfig, opening: float, release: float) -> None:
    """The fingers open 2 cm beyond the object, and no farther than their stroke of 85 mm."""
    transit, free_air, down, fingers, rise = put_down(tool_down((0.5, 0.1, 0.25), 0.7), opening, cell)
    assert isinstance(transit, Transit)
    assert isinstance(down, Straight)
    assert isinstance(fingers, Fingers)
    np.testing.assert_allclose(transit.T_base_tool, tool_down((0.5, 0.1, 0.25), 0.7), atol=1e-12)
    assert free_air == FreeAir("put_down")
    assert down.displacement == pytest.approx((0.0, 0.0, -0.249))
    assert (down.speed, down.force) == (0.045, 20.0)
    assert fingers.opening == pytest.approx(release)
    assert fingers.must_reach
    assert rise == Rise("put_down", 0.20, 0.50)
    assert {item.phase for item in (transit, down, fingers)} == {"put_down"}


@pytest.mark.parametrize(("x", "y"), [(0.27, 0.0), (0.5, -0.23), (0.36, -0.44)])
def test_elsewhere_it_is_taken_over_the_bin(cell: CellConfig, x: float, y: float) -> None:
    transit, fingers = put_down(tool_down((x, y, 0.25), -2.0), 0.03, cell)
    assert isinstance(transit, Transit)
    np.testing.assert_allclose(transit.T_base_tool, tool_down((0.36, -0.44, 0.20), -2.0), atol=1e-12)
    assert fingers == Fingers("put_down", pytest.approx(0.05), must_reach=True)  # type: ignore[arg-type]
    assert transit.phase == "put_down"


@pytest.mark.parametrize("yaw", [0.3, 2.5, -2.5])
def test_a_tilted_tool_is_set_upright_without_turning(cell: CellConfig, yaw: float) -> None:
    pose = tool_down((0.5, 0.1, 0.25), yaw)
    pose[:3, :3] = pose[:3, :3] @ Rotation.from_euler("x", 0.2).as_matrix()
    upright = put_down(pose, 0.03, cell)[0]
    assert isinstance(upright, Transit)
    np.testing.assert_allclose(upright.T_base_tool, tool_down((0.5, 0.1, 0.25), yaw), atol=1e-12)
    assert math.atan2(upright.T_base_tool[1, 0], upright.T_base_tool[0, 0]) == pytest.approx(yaw)
