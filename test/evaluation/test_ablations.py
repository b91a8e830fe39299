"""What is taken out of the attention is out, and the rest is left as it is."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive
from impurity_grasp_ros.evaluation.ablations import (
    Impaired,
    WithDetectionAlone,
    WithoutAttention,
    WithoutInference,
    most_salient_place,
)
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

PUSH = Primitive.push((0.4, 0.0, 0.02), 0.0)


class AlwaysPush:
    """Takes down where it was asked to act."""

    def __init__(self) -> None:
        self.attentions: list[Attention] = []

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        self.attentions.append(attention)
        return PUSH


def decide(environment: Environment, kind: type[Impaired]) -> Decision:
    """The decision of an impaired policy on the scene as it is; what it says is what its actor was asked."""
    actor = AlwaysPush()
    policy = kind(environment.cell.workspace.grid, actor)
    policy.new_job()
    decision = policy.decide(environment.observe(), [])
    assert [item.center for item in actor.attentions] == ([decision.attention.center] if decision.primitive else [])
    return decision


def whole(environment: Environment) -> Attention:
    """What the unimpaired attention says."""
    policy = make_policy("analytic", environment)
    policy.new_job()
    return policy.decide(environment.observe(), []).attention


def middle(environment: Environment) -> tuple[float, float]:
    grid = environment.cell.workspace.grid
    return grid.to_metres((grid.rows - 1) / 2, (grid.columns - 1) / 2)


def drawn(row: int, column: int, state: AttentionState) -> tuple[Attention, Heightmap]:
    """A workspace whose most salient cell is given, and an attention on another place."""
    shape = 224, 224
    saliency = np.full(shape, 0.25, np.float32)
    saliency[100, 7], saliency[row, column] = 0.0, 0.75
    color, valid = np.zeros((*shape, 3), np.uint8), np.ones(shape, np.bool_)
    heightmap = Heightmap(color, np.zeros(shape, np.float32), valid, Grid(0.276, -0.224))
    mask = np.zeros((112, 112), np.bool_)
    return Attention(state, (0.4, -0.1), heightmap.window(0, 0, 112), mask, 0.3, (), saliency), heightmap


@pytest.mark.parametrize(("row", "column", "x", "y"), [(30, 170, 0.617, -0.163), (0, 0, 0.277, -0.223)])
def test_the_most_salient_place_is_that_of_the_highest_saliency(row: int, column: int, x: float, y: float) -> None:
    assert most_salient_place(*drawn(row, column, AttentionState.CLEAR)) == pytest.approx((x, y))


@pytest.mark.parametrize("state", [AttentionState.CLEAR, AttentionState.CANDIDATE])
@pytest.mark.parametrize(
    ("kind", "center"),
    [(WithoutInference, (0.617, -0.163)), (WithoutAttention, (0.5, 0.0)), (WithDetectionAlone, (0.5, 0.0))],
)
def test_without_a_target_each_acts_elsewhere(
    kind: type[Impaired], center: tuple[float, float], state: AttentionState
) -> None:
    impaired = kind(Grid(0.276, -0.224), AlwaysPush())._impair(*drawn(30, 170, state))
    assert impaired.state is AttentionState.CANDIDATE
    assert impaired.center == pytest.approx(center)
    assert impaired.mask.all()


@pytest.mark.parametrize(
    ("kind", "center"),
    [(WithoutInference, (0.4, -0.1)), (WithoutAttention, (0.5, 0.0)), (WithDetectionAlone, (0.4, -0.1))],
)
def test_a_target_counts_for_those_that_detect_it(kind: type[Impaired], center: tuple[float, float]) -> None:
    attention, heightmap = drawn(30, 170, AttentionState.TARGET)
    impaired = kind(heightmap.grid, AlwaysPush())._impair(attention, heightmap)
    assert impaired.center == pytest.approx(center)
    assert (impaired is attention) == (kind is not WithoutAttention)


@pytest.mark.sim
def test_with_a_target_in_view(environment: Environment) -> None:
    environment.reset(1000, "random")
    attention = whole(environment)
    assert attention.state is AttentionState.TARGET
    for kind in (WithoutInference, WithDetectionAlone):
        impaired = decide(environment, kind).attention
        assert (impaired.state, impaired.center) == (AttentionState.TARGET, attention.center)
        assert (impaired.mask == attention.mask).all()
    assert decide(environment, WithoutAttention).attention.center == middle(environment)


@pytest.mark.sim
def test_with_all_targets_hidden(environment: Environment) -> None:
    environment.reset(1000, "invisible")
    attention = whole(environment)
    assert attention.state is AttentionState.CANDIDATE
    blind = decide(environment, WithoutInference)
    assert blind.attention.center == most_salient_place(blind.attention, blind.heightmap)
    assert blind.attention.center != attention.center
    for kind in (WithoutAttention, WithDetectionAlone):
        impaired = decide(environment, kind).attention
        assert (impaired.state, impaired.center) == (AttentionState.CANDIDATE, middle(environment))


@pytest.mark.sim
def test_without_inference_the_workspace_is_never_clear(environment: Environment) -> None:
    environment.reset(1000, "random", targets=0, blocks=1)
    assert whole(environment).state is AttentionState.CLEAR
    for kind in (WithoutInference, WithoutAttention, WithDetectionAlone):
        assert decide(environment, kind).primitive == PUSH
