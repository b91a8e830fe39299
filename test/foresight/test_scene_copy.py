"""What a simulated copy of the view tells about pushes is what comes of them."""

from __future__ import annotations

import math
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState, Heightmap, Primitive
from impurity_grasp_ros.errors import InvalidFrameError
from impurity_grasp_ros.evaluation.policies import with_actor
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.foresight.scene_copy import SceneCopy
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, make_actor
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import Block, cuboid

pytestmark = pytest.mark.sim
RED, BLUE = (0.8, 0.2, 0.15), (0.2, 0.3, 0.8)
BESIDE = 0.0405
"""Distance of the centers of two cubes of 4 cm that almost touch, meters."""


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    with closing(Environment()) as made:
        yield made


@pytest.fixture(scope="module")
def copy() -> SceneCopy:
    torch.set_num_threads(1)
    return SceneCopy(load_cell())


def seen(environment: Environment, *others: tuple[float, float], target: tuple[float, float] = (0.5, 0.0)) -> Decision:
    """Lay out cubes, the target first, and decide about what is seen."""
    cube = cuboid(0.04, 0.04, 0.04)
    blocks = [(Block(cube, RED, True), (*target, 0.02)), *((Block(cube, BLUE, False), (*at, 0.02)) for at in others)]
    environment.lay_out(blocks)
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    pipeline = with_actor(environment, make_actor(shipped, environment.cell.gripper_model))
    decision = pipeline.decide(environment.observe(), [])
    assert decision.attention.state is AttentionState.TARGET
    return decision


def middle(crop: Heightmap, mask: NDArray[np.bool_]) -> tuple[float, float]:
    rows, columns = np.nonzero(mask)
    x, y = crop.grid.to_meters(float(rows.mean()), float(columns.mean()))
    return x, y


AROUND = ((0.5 + BESIDE, 0.0), (0.5, BESIDE), (0.62, 0.1), (0.40, -0.12), (0.38, 0.12))


@pytest.mark.parametrize("angle", [0.0, math.pi / 2])
def test_a_push_is_foreseen_as_it_comes(environment: Environment, copy: SceneCopy, angle: float) -> None:
    decision = seen(environment, *AROUND)
    push = Primitive.push((0.5 - 0.06 * math.cos(angle), -0.06 * math.sin(angle), 0.012), angle, length=0.13)
    (foreseen,) = copy.after(decision.heightmap, decision.attention, [push])
    environment.step(push)
    (target,) = environment.scene.targets
    moved = environment.world.position(target)[:2]
    assert np.hypot(*(moved - [0.5, 0.0])) > 0.02
    assert foreseen is not None
    assert foreseen.crop.grid.rows == foreseen.crop.grid.columns == 112
    np.testing.assert_allclose(middle(*foreseen), moved, atol=0.015)


def test_each_push_is_tried_from_the_present_view(environment: Environment, copy: SceneCopy) -> None:
    decision = seen(environment, *AROUND)
    away = Primitive.push((0.44, 0.0, 0.012), 0.0, length=0.13)
    elsewhere = Primitive.push((0.40, -0.2, 0.012), 0.0, length=0.05)
    foreseen = list(copy.after(decision.heightmap, decision.attention, [elsewhere, away, elsewhere]))
    first, _, last = (middle(*item) for item in foreseen if item is not None)
    np.testing.assert_allclose(first, (0.5, 0.0), atol=0.004)
    assert last == pytest.approx(first, abs=1e-3)


def test_a_target_that_leaves_the_view_is_not_foreseen(environment: Environment, copy: SceneCopy) -> None:
    decision = seen(environment, (0.5, 0.1), (0.4, 0.0), (0.6, 0.1), target=(0.68, 0.0))
    outward = Primitive.push((0.62, 0.0, 0.012), 0.0, length=0.10)
    (foreseen,) = copy.after(decision.heightmap, decision.attention, [outward])
    environment.step(outward)
    (target,) = environment.scene.targets
    assert (foreseen is None) == (environment.world.position(target)[0] > 0.724 + 0.02)


def test_a_view_without_fine_color_is_refused(environment: Environment, copy: SceneCopy) -> None:
    decision = seen(environment, *AROUND)
    with pytest.raises(InvalidFrameError):
        list(copy.after(replace(decision.heightmap, fine_color=None), decision.attention, []))


def test_only_a_judged_actor_with_time_thinks() -> None:
    cell, shipped = load_cell(), packaged_parameters("policy_node", PolicyNodeConfig)
    assert make_thinking_actor(shipped, cell) is make_actor(shipped, cell.gripper_model)
    analytic = replace(shipped, actor="analytic", judged=replace(shipped.judged, think=1.0))
    assert make_thinking_actor(analytic, cell) is make_actor(analytic, cell.gripper_model)
    thinking = replace(shipped, judged=replace(shipped.judged, think=1.0))
    assert make_thinking_actor(thinking, cell) is not make_actor(thinking, cell.gripper_model)
