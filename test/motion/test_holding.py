"""What a stopped primitive has left in the fingers is put down where it cannot fall far, or kept, as the cell says."""

from dataclasses import replace

import numpy as np
import pytest
from fake_devices import Execute, FakeRobot

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import CanceledError, RecoveryNeededError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.transform import Transform

GRASP = Primitive.grasp((0.50, 0.05, 0.02), 0.4, opening=0.06)
PUSH = Primitive.push((0.40, -0.10, 0.02), 0.4)
WIDTH = 0.03


def executor_of(robot: FakeRobot, cell: CellConfig, held_on_cancel: str) -> PrimitiveExecutor:
    chosen = replace(cell, motion=replace(cell.motion, held_on_cancel=held_on_cancel))
    return PrimitiveExecutor(robot.arm, robot.gripper, robot.clock, chosen)


def stop_while_holding(execute: Execute, robot: FakeRobot, phase: str) -> None:
    """A grasp that is stopped in a phase, an object of 30 mm between its fingers."""
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
    """Fills with the tool's pose whenever the fingers are told to open beyond what they hold."""
    poses: list[Transform] = []

    def on_start(opening: float) -> None:
        if 0.0 < robot.gripper.width < opening:
            poses.append(robot.arm.tool_pose())

    robot.gripper.on_start = on_start
    return poses


@pytest.mark.parametrize("surface", [0.0, 0.03], ids=["on the table", "on a heap"])
@pytest.mark.parametrize("phase", ["lift", "carry"], ids=["low", "high"])
def test_the_next_goal_first_puts_down_what_is_held_where_it_meets_something(
    execute: Execute, robot: FakeRobot, phase: str, surface: float
) -> None:
    stop_while_holding(execute, robot, phase)
    robot.arm.force = lambda T_base_tool: 25.0 if T_base_tool[2, 3] < surface else 0.0
    poses = letting_go(robot)
    assert execute(PUSH).status is OutcomeStatus.PUSHED or surface
    (pose,) = poses
    np.testing.assert_allclose(pose[:2, 3], GRASP.position[:2], atol=0.01)  # it goes down on an arc
    assert pose[2, 3] <= max(surface, 0.002)
    assert robot.phases[:3] == ["rise", "put_down", "rise"]
    assert robot.gripper.commands[0] == pytest.approx(WIDTH + 0.02)


def test_it_goes_down_slowly_with_the_force_of_free_air_taken_anew(
    execute: Execute, robot: FakeRobot, cell: CellConfig
) -> None:
    stop_while_holding(execute, robot, "lift")
    robot.arm.speeds.clear()
    robot.arm.offset = (0.0, 0.0, -8.0)  # the object's weight, which the payload does not say
    robot.arm.force = lambda T_base_tool: 21.0 if T_base_tool[2, 3] < 0.05 else 0.0
    poses = letting_go(robot)
    executor_of(robot, cell, "put_down").go_home(Supervision(on_phase=robot.on_phase))
    assert poses[0][2, 3] == pytest.approx(0.05, abs=0.03)
    down = robot.arm.commands[-len(robot.arm.speeds) :].index("linear")
    assert cell.motion.contact_speed in robot.arm.speeds[down:]


@pytest.mark.parametrize("away", [False, True], ids=["between workspace and bin", "over the bin"])
def test_what_is_on_its_way_to_the_bin_is_brought_there(
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


def test_what_is_to_be_kept_refuses_goals_until_home_is_asked_for(
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


def test_a_stop_while_putting_down_is_one_and_the_object_stays_held(execute: Execute, robot: FakeRobot) -> None:
    stop_while_holding(execute, robot, "lift")
    robot.cancel_in = ["put_down"]
    with pytest.raises(CanceledError):
        execute(PUSH)
    assert robot.stands_still()
    assert robot.phases == ["rise", "put_down"]
    assert robot.gripper.is_holding()


@pytest.mark.parametrize("opening", [0.0, 0.05])
def test_fingers_that_hold_nothing_are_not_put_down(execute: Execute, robot: FakeRobot, opening: float) -> None:
    robot.gripper.start_motion(opening)
    robot.clock.sleep(1.0)
    execute(PUSH)
    assert "put_down" not in robot.phases


def test_the_payload_is_what_is_held(execute: Execute, robot: FakeRobot, cell: CellConfig) -> None:
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
