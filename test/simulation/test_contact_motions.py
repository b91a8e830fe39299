"""Contact and what is held, with physics: the tool stops close to where it touched, and nothing falls from a height."""

from collections.abc import Callable, Iterator

import numpy as np
import pytest
from numpy.typing import NDArray
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


class Contact:
    """How the tool met something. depth: meters traveled since. speed: m/s over the 0.1 s before."""

    def __init__(self, environment: Environment) -> None:
        self._arm = environment.arm
        self._steps = round(0.1 / environment.config.physics.time_step)
        self._path: list[NDArray[np.float64]] = []
        self._felt: int | None = None
        environment.world.after_step(self._look)

    @property
    def depth(self) -> float:
        assert self._felt is not None
        return float(np.linalg.norm(np.array(self._path[self._felt :]) - self._path[self._felt], axis=1).max())

    @property
    def speed(self) -> float:
        assert self._felt is not None
        before = self._path[self._felt - self._steps : self._felt]
        return float(np.linalg.norm(before[-1] - before[0])) / 0.1

    def _look(self) -> None:
        self._path.append(self._arm.tool_pose()[:3, 3])
        if self._felt is None and np.linalg.norm(self._arm.tool_force()) > 1.0:
            self._felt = len(self._path) - 1


def meet(environment: Environment, primitive: Primitive, end_at: str) -> Contact:
    """Execute a primitive; its contact is watched until a phase begins."""
    contact = Contact(environment)

    def on_phase(phase: str) -> None:
        if phase == end_at:
            raise CanceledError("expected no more than the contact")

    with pytest.raises(CanceledError):
        environment.executor.execute(primitive, Supervision(on_phase=on_phase))
    return contact


def test_a_descent_meets_something_rigid_slowly_and_ends_within_three_millimeters(in_full: Environment) -> None:
    in_full.world.add_static_box((0.06, 0.06, 0.03), (0.50, 0.0, 0.015), GRAY)
    contact = meet(in_full, Primitive.grasp((0.50, 0.0, 0.025), 0.0, opening=0.02), "close")
    assert contact.speed <= 0.05
    assert contact.depth <= 0.003


def test_a_push_from_close_to_something_rigid_meets_it_slowly_and_ends_within_eight_millimeters(
    in_full: Environment,
) -> None:
    in_full.world.add_static_box((0.02, 0.10, 0.05), (0.55, 0.0, 0.025), GRAY)
    contact = meet(in_full, Primitive.push((0.523, 0.0, 0.012), 0.0), "retreat")
    assert contact.speed <= 0.05
    assert contact.depth <= 0.008


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
