"""Another gripper, named in the cell, works in simulation: what is too wide for the 2F-85 is picked with the 2F-140."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, OutcomeStatus, Primitive
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.evaluation.policies import with_actor
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.policy.grasp_planner import plan_grasps
from impurity_grasp_ros.simulation.environment import Environment

pytestmark = pytest.mark.sim

BLOCK = '  - {{shape: cuboid, width: 0.05, depth: 0.05, height: 0.04, color: "#4e79a7", position: [{}, {}, 0.02]}}\n'
SCENE = """
description: A target of 9 by 9 cm among smaller blocks.
objects:
  - {shape: cuboid, width: 0.09, depth: 0.09, height: 0.05, color: "#d9413f", target: true, position: [0.5, 0.0, 0.025]}
""" + "".join(BLOCK.format(x, y) for x in (0.32, 0.39, 0.46, 0.54, 0.61, 0.68) for y in (-0.17, 0.17))


@pytest.fixture
def scene(tmp_path: Path) -> str:
    path = tmp_path / "wide.yaml"
    path.write_text(SCENE, encoding="utf-8")
    return str(path)


@pytest.fixture(scope="module", params=["robotiq_2f85", "robotiq_2f140"])
def environment(request: pytest.FixtureRequest) -> Iterator[Environment]:
    environment = Environment(replace(load_cell(), gripper=request.param))
    yield environment
    environment.close()


@pytest.fixture
def is_wide(environment: Environment) -> bool:
    return environment.cell.gripper == "robotiq_2f140"


def test_a_target_wider_than_85_millimeters_is_picked_with_the_wide_gripper_alone(
    environment: Environment, scene: str, is_wide: bool
) -> None:
    environment.reset(0, scene)
    config = packaged_parameters("policy_node", PolicyNodeConfig).analytic
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    heightmap = project(environment.observe(), environment.cell.workspace.grid, projection)
    target = heightmap.height > 0.045  # all else is 4 cm high
    found = plan_grasps(heightmap, target, environment.cell.gripper_model, config.grasp)
    grasps = [grasp for grasp in found if grasp.score >= config.min_score]
    assert bool(grasps) is is_wide
    if is_wide:
        outcome = environment.step(grasps[0].primitive)
        assert outcome.status is OutcomeStatus.HELD
        assert outcome.opening == pytest.approx(0.09, abs=0.003)
        assert environment.tally().targets_in_bin == 1


@pytest.mark.parametrize("name", ["learned", "analytic"])
def test_an_actor_picks_ordinary_targets_with_either_gripper(environment: Environment, name: str) -> None:
    environment.reset(3, "random", targets=1, blocks=6)
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    actor = make_actor(replace(shipped, actor=name), environment.cell.gripper_model)
    pipeline, history = with_actor(environment, actor), list[Attempt]()
    while environment.tally().targets_in_bin == 0:
        primitive = pipeline.decide(environment.observe(), history).primitive
        assert primitive is not None
        assert len(history) < 8
        history.append(Attempt(primitive, environment.step(primitive)))


def test_an_opening_beyond_the_stroke_is_refused_and_nothing_moves(
    environment: Environment, scene: str, is_wide: bool
) -> None:
    environment.reset(0, scene)
    before = environment.arm.joint_positions()
    stroke = 0.14 if is_wide else 0.085
    with pytest.raises(InvalidGoalError, match=f"expected an opening of 0 to {stroke} m, received 0.15 m"):
        environment.step(Primitive.grasp((0.5, 0.0, 0.02), 0.0, opening=0.15))
    np.testing.assert_allclose(environment.arm.joint_positions(), before, atol=1e-3)
