"""Contact and what is held, with physics: the tool stops close to where it touched, and nothing falls from a height."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from tabletop import put

from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive
from impurity_grasp_ros.errors import CanceledError
from impurity_grasp_ros.motion.executor import Supervision
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import cuboid

pytestmark = pytest.mark.sim

GRAY = (0.5, 0.5, 0.5, 1.0)
GRASP = Primitive.grasp((0.50, 0.0, 0.008), 0.0, opening=0.06)


@pytest.fixture
def in_full() -> Iterator[Environment]:
    """A cell in which no motion is skipped: skipping minds loose bodies alone."""
    environment = Environment(fast_forward=False)
    environment.reset(0, "random", targets=0, blocks=0)
    yield environment
    environment.close()


def depths_after(environment: Environment, force: float, along: tuple[float, float, float]) -> list[float]:
    """Fills with how far, in meters, the tool is beyond where the force first exceeded ``force`` newtons."""
    depths: list[float] = []
    felt: list[np.ndarray] = []

    def look() -> None:
        position = environment.arm.tool_pose()[:3, 3]
        if not felt and np.linalg.norm(environment.arm.tool_force()) > force:
            felt.append(position)
        if felt:
            depths.append(float((position - felt[0]) @ along))

    environment.world.after_step(look)
    return depths


def test_a_descent_onto_something_rigid_ends_within_three_millimeters(in_full: Environment) -> None:
    in_full.world.add_static_box((0.06, 0.06, 0.03), (0.50, 0.0, 0.015), GRAY)
    depths = depths_after(in_full, 20.0, (0.0, 0.0, -1.0))
    in_full.executor.execute(Primitive.grasp((0.50, 0.0, 0.015), 0.0, opening=0.02))
    assert depths
    assert max(depths) <= 0.003


def test_a_push_against_something_rigid_ends_within_eight_millimeters(in_full: Environment) -> None:
    in_full.world.add_static_box((0.02, 0.10, 0.05), (0.55, 0.0, 0.025), GRAY)
    depths = depths_after(in_full, 40.0, (1.0, 0.0, 0.0))
    outcome = in_full.executor.execute(Primitive.push((0.49, 0.0, 0.012), 0.0))
    assert outcome.status is OutcomeStatus.BLOCKED
    assert max(depths) <= 0.008


def hold_and_stop(environment: Environment, is_time: Callable[[], bool]) -> int:
    """A block in the fingers of an arm that was stopped; returns its body."""
    body = put(environment, cuboid(0.04, 0.04, 0.03), 0.50, 0.0)
    environment.world.settle(1.0)
    with pytest.raises(CanceledError):
        environment.step(GRASP, Supervision(canceled=is_time))
    assert environment.gripper.is_holding()
    return body


def fastest_fall(environment: Environment, body: int) -> list[float]:
    """Fills with m/s downward of a body at every step."""
    speeds: list[float] = []
    environment.world.after_step(lambda: speeds.append(-environment.world.bullet.getBaseVelocity(body)[0][2]))
    return speeds


def test_what_is_held_after_a_stop_in_the_air_is_put_down_by_the_next_goal(environment: Environment) -> None:
    body = hold_and_stop(
        environment, lambda: environment.gripper.is_holding() and environment.arm.tool_pose()[2, 3] > 0.17
    )
    assert environment.world.position(body)[2] > 0.15
    speeds, phases = fastest_fall(environment, body), list[str]()
    outcome = environment.step(Primitive.push((0.36, -0.12, 0.012), 0.0), Supervision(on_phase=phases.append))
    assert outcome.status is OutcomeStatus.PUSHED
    assert phases[:2] == ["rise", "put_down"]
    assert 0.0 < max(speeds) < 0.3
    np.testing.assert_allclose(environment.world.position(body), [0.50, 0.0, 0.015], atol=0.01)


def test_what_is_held_low_after_a_stop_is_put_down_by_home(environment: Environment) -> None:
    body = hold_and_stop(environment, environment.gripper.is_holding)
    speeds = fastest_fall(environment, body)
    environment.executor.go_home()
    assert max(speeds) < 0.3
    np.testing.assert_allclose(environment.world.position(body)[2], 0.015, atol=0.005)
    np.testing.assert_allclose(environment.arm.joint_positions(), environment.cell.home, atol=0.01)


def test_what_is_held_over_the_bin_is_released_there(environment: Environment) -> None:
    drop = environment.cell.drop_bin

    def over_bin() -> bool:
        return environment.gripper.is_holding() and drop.contains(*environment.arm.tool_pose()[:2, 3])

    body = hold_and_stop(environment, over_bin)
    environment.executor.go_home()
    environment.world.settle(2.0)
    assert environment.is_in_bin(body)
