"""The world keeps time, bodies and callbacks in order, and bodies come to rest."""

from collections.abc import Iterator
from dataclasses import asdict

import numpy as np
import pytest
from tabletop import RED

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.environment import load_simulation
from impurity_grasp_ros.simulation.objects import Block, cuboid, spawn
from impurity_grasp_ros.simulation.world import PhysicsConfig, World

pytestmark = pytest.mark.sim

UPRIGHT = np.array([0.0, 0.0, 0.0, 1.0])


@pytest.fixture
def world() -> Iterator[World]:
    """A table and nothing else."""
    world = World(load_simulation().physics)
    world.add_static_box((1.0, 1.0, 0.1), (0.0, 0.0, -0.05), (1.0, 1.0, 1.0, 1.0))
    yield world
    world.close()


def drop(world: World, height: float, x: float = 0.0) -> int:
    """A cube of 4 cm whose lower side is ``height`` meters above the table."""
    return spawn(world, Block(cuboid(0.04, 0.04, 0.04), RED, False), np.array([x, 0.0, 0.02 + height]), UPRIGHT)


def test_time_advances_with_the_steps(world: World) -> None:
    world.step(12)
    assert world.time == pytest.approx(12 * world.config.time_step)


def test_callbacks_come_before_and_after_every_step(world: World) -> None:
    calls: list[tuple[str, float]] = []
    world.before_step(lambda: calls.append(("before", world.time)))
    world.after_step(lambda: calls.append(("after", world.time)))
    world.step(2)
    step = world.config.time_step
    assert calls == [("before", 0.0), ("after", step), ("before", step), ("after", 2 * step)]


def test_a_body_falls_as_fast_as_gravity_says(world: World) -> None:
    body = drop(world, 0.5)
    world.step(48)
    fallen = 0.52 - world.position(body)[2]
    assert fallen == pytest.approx(9.81 * world.time**2 / 2, rel=0.04)  # the engine's steps and its damping


@pytest.mark.parametrize("height", [0.0, 0.01, 0.1, 0.3])
def test_a_dropped_body_comes_to_rest_on_the_table(world: World, height: float) -> None:
    body = drop(world, height)
    world.settle(3.0)
    assert world.at_rest()
    np.testing.assert_allclose(world.position(body), [0.0, 0.0, 0.02], atol=0.002)
    assert world.top(body) == pytest.approx(0.04, abs=0.003)


def test_a_body_in_the_air_is_not_at_rest_once_it_falls(world: World) -> None:
    drop(world, 0.3)
    world.step(6)
    assert not world.at_rest()


def test_settling_ends_at_its_limit(world: World) -> None:
    drop(world, 0.4)
    assert world.settle(0.1) == pytest.approx(0.1, abs=7 * world.config.time_step)
    assert not world.at_rest()


def test_settling_a_world_at_rest_is_over_at_once(world: World) -> None:
    drop(world, 0.0)
    world.settle(3.0)
    assert world.settle(3.0) < 0.15


@pytest.mark.parametrize("height", [0.0, 0.2])
def test_skipped_time_passes_in_full_whether_bodies_move_or_not(world: World, height: float) -> None:
    body = drop(world, height)
    world.step(6)
    before = world.time
    world.skip(1.0)
    assert world.time - before == pytest.approx(1.0, abs=7 * world.config.time_step)
    assert world.position(body)[2] == pytest.approx(0.02, abs=0.002)


def test_bodies_are_listed_in_the_order_in_which_they_came(world: World) -> None:
    first, second, third = (drop(world, 0.0, x) for x in (-0.1, 0.0, 0.1))
    assert list(world.bodies) == [first, second, third]
    world.remove_body(second)
    assert list(world.bodies) == [first, third]


def test_clearing_forgets_bodies_callbacks_and_time(world: World) -> None:
    drop(world, 0.1)
    called: list[int] = []
    world.before_step(lambda: called.append(1))
    world.step()
    world.clear()
    assert not world.bodies
    assert world.time == 0.0
    world.step()
    assert len(called) == 1


@pytest.mark.parametrize("speed", [0.1, 0.2, 0.4])
def test_a_pushed_body_slides_as_far_as_friction_lets_it(world: World, speed: float) -> None:
    body = drop(world, 0.0)
    world.settle(1.0)
    world.bullet.resetBaseVelocity(body, [speed, 0.0, 0.0], [0.0, 0.0, 0.0])
    world.settle(3.0)
    assert world.position(body)[0] == pytest.approx(speed**2 / (2 * 0.36 * 9.81), rel=0.5, abs=0.002)


def test_blocks_without_friction_are_refused() -> None:
    """The coefficient of a pad is divided by that of a block."""
    physics = asdict(load_simulation().physics)
    with pytest.raises(ConfigError, match=r"^friction: expected .* received 0\.0"):
        from_mapping(PhysicsConfig, physics | {"friction": 0.0})
