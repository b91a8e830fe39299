"""What is taken out of the attention is out, and the rest is left as it is."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap, Primitive
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

pytestmark = pytest.mark.sim

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


def test_with_a_target_in_view(environment: Environment) -> None:
    environment.reset(1000, "random")
    attention = whole(environment)
    assert attention.state is AttentionState.TARGET
    for kind in (WithoutInference, WithDetectionAlone):
        impaired = decide(environment, kind).attention
        assert (impaired.state, impaired.center) == (AttentionState.TARGET, attention.center)
        assert (impaired.mask == attention.mask).all()
    assert decide(environment, WithoutAttention).attention.center == middle(environment)


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


def test_without_inference_the_workspace_is_never_clear(environment: Environment) -> None:
    environment.reset(1000, "random", targets=0, blocks=1)
    assert whole(environment).state is AttentionState.CLEAR
    for kind in (WithoutInference, WithoutAttention, WithDetectionAlone):
        assert decide(environment, kind).primitive == PUSH
