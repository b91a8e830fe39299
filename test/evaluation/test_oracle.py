"""The oracle: what it rehearses leaves no trace and comes true, and it picks every target and then stops."""

from __future__ import annotations

import os
from collections.abc import Iterator

import numpy as np
import pytest

from impurity_grasp_ros.datatypes import AttentionState, Outcome, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import DeviceFaultError, UnreachableError
from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.oracle import Oracle, OracleConfig
from impurity_grasp_ros.evaluation.record import End, EpisodePlan
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

pytestmark = pytest.mark.sim

HASTY = OracleConfig(grasp_trials=2, push_trials=2, search_trials=2, follow_ups=1)


@pytest.fixture
def environment(bench: Bench) -> Iterator[Environment]:
    """The bench's cell with blocks of which some have just been pushed: engine and robot have a past."""
    bench.environment.reset(5003, "random", blocks=8)
    bench.environment.step(Primitive.push((0.42, 0.01, 0.02), 0.0))
    return bench.environment


def state_of(environment: Environment) -> list[object]:
    """All that the engine tells of bodies and joints, and what arm, gripper and clock remember."""
    world, robot = environment.world, environment.arm._robot
    bodies = [(*world.pose(body), world.bullet.getBaseVelocity(body)) for body in world.bodies]
    joints = [state[:2] for state in world.bullet.getJointStates(robot.body, range(len(robot.links)))]
    arm = {name: value for name, value in vars(environment.arm).items() if name not in ("_robot", "_world")}
    gripper = {name: value for name, value in vars(environment.gripper).items() if name not in ("_robot", "_world")}
    return [
        *(np.concatenate([np.ravel(part) for part in body]).tolist() for body in bodies),
        joints,
        arm,
        gripper,
        world.time,
    ]


def deed(environment: Environment) -> tuple[Outcome, list[object]]:
    """A grasp of a target where it lies, and a push right after it."""
    x, y, _ = environment.world.position(environment.scene.targets[0])
    outcome = environment.step(Primitive.grasp((float(x), float(y), 0.01), 0.4))
    environment.step(Primitive.push((float(x) - 0.06, float(y), 0.015), 0.0))
    poses = [np.concatenate(environment.world.pose(body)).tolist() for body in environment.world.bodies]
    return outcome, poses


def test_a_rehearsal_leaves_everything_as_it_was(environment: Environment) -> None:
    before = state_of(environment)
    _, poses = environment.rehearse(lambda: deed(environment))
    assert state_of(environment) == before
    assert poses != [np.concatenate(environment.world.pose(body)).tolist() for body in environment.world.bodies]


def test_what_was_rehearsed_comes_true_to_the_last_bit_and_as_it_would_have_without(environment: Environment) -> None:
    foretold = environment.rehearse(lambda: deed(environment))
    environment.rehearse(lambda: environment.step(Primitive.push((0.5, -0.08, 0.015), 1.5)))
    happened = deed(environment)
    assert happened == foretold
    environment.reset(5003, "random", blocks=8)
    environment.step(Primitive.push((0.42, 0.01, 0.02), 0.0))
    assert deed(environment) == happened


def test_rehearsals_nest_and_draw_no_camera_noise(bench: Bench) -> None:
    environment = bench.environment
    environment.reset(5003, "noisy")
    nested = environment.rehearse(lambda: environment.rehearse(environment.observe))
    frame = environment.observe()
    np.testing.assert_array_equal(nested.depth, frame.depth)
    assert (environment.observe().depth != frame.depth).any()


def test_what_goes_wrong_in_a_rehearsal_is_heard_of(environment: Environment, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail() -> None:
        raise UnreachableError("expected a place nearby, received the moon")

    with pytest.raises(UnreachableError, match="the moon"):
        environment.rehearse(fail)
    with pytest.raises(DeviceFaultError, match="status"):
        environment.rehearse(lambda: os._exit(3))
    monkeypatch.setattr(environment, "_gui", True)
    with pytest.raises(DeviceFaultError, match="window"):
        environment.rehearse(int)


def test_the_oracle_picks_every_target_and_says_clear_at_once(bench: Bench) -> None:
    decisions: list[Decision] = []
    record = bench.run(EpisodePlan("oracle", "random", 5000), decisions.append)
    assert (record.end, record.targets_delivered, record.completed) == (End.CLEAR, 2, True)
    assert record.surplus == ()
    grasps = [action for action in record.actions if action.kind == "GRASP"]
    assert all(action.status == "HELD" and action.targets_delivered for action in grasps)
    assert [decision.attention.state for decision in decisions][-1] is AttentionState.CLEAR
    assert decisions[-1].primitive is None


def test_targets_out_of_the_workspace_are_nothing_to_act_on(environment: Environment) -> None:
    for number, body in enumerate(environment.scene.targets):
        pose = (0.5, -0.6 - 0.1 * number, 0.03), (0.0, 0.0, 0.0, 1.0)
        environment.world.bullet.resetBasePositionAndOrientation(body, *pose)
    assert Oracle(environment, HASTY).decide(environment.observe(), []).primitive is None


def test_the_mask_is_that_of_the_target_which_the_grasp_brings_to_the_bin(environment: Environment) -> None:
    decision = Oracle(environment).decide(environment.observe(), [])
    assert decision.attention.state is AttentionState.TARGET
    assert decision.primitive is not None
    assert decision.primitive.kind is PrimitiveKind.GRASP
    center = decision.attention.center
    acted_on = min(
        environment.scene.targets, key=lambda body: float(np.hypot(*(environment.world.position(body)[:2] - center)))
    )
    assert environment.step(decision.primitive).status is OutcomeStatus.HELD
    assert environment.is_in_bin(acted_on)
    assert 60 < np.count_nonzero(decision.attention.mask) < 1500


def test_it_knows_where_hidden_targets_are_and_decides_alike_for_equal_seeds(bench: Bench) -> None:
    environment = bench.environment
    decisions = []
    for scene in ("invisible", "random", "invisible"):
        environment.reset(5004, scene)
        if scene == "invisible":
            decisions.append(Oracle(environment, HASTY).decide(environment.observe(), []))
    first, second = decisions
    assert first.primitive == second.primitive
    assert first.primitive is not None
    assert first.primitive.kind is PrimitiveKind.PUSH
    assert first.attention.state is AttentionState.CANDIDATE
    assert first.attention.mask.all()
    places = [environment.world.position(body)[:2] for body in environment.scene.targets]
    assert min(float(np.abs(place - first.attention.center).max()) for place in places) < 1e-9
    start = np.array(first.primitive.position[:2])
    assert min(float(np.linalg.norm(place - start)) for place in places) < 0.15
