"""Trials tell what comes of actions, and change nothing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from drawn_cells import (
    Block,
    DrawnCell,
    DrawnWorld,
    Effect,
    LevelNetwork,
    Scene,
    nothing_happens,
    remembered_situation_of,
)

from impurity_grasp_ros.datatypes import OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.learning import trials as trials_module
from impurity_grasp_ros.learning.judge_config import load_judge_training
from impurity_grasp_ros.learning.judge_trainer import proposer
from impurity_grasp_ros.learning.trials import TriedState, Tryout
from impurity_grasp_ros.policy.agent import QAgent

SHIPPED = load_judge_training("judge").trials
ALONE = {3: Block(0.5, 0.0)}
PAIR = {3: Block(0.5, 0.0), 5: Block(0.56, 0.05)}
SEARCHED = {3: Block(0.5, 0.0, 0.03, 0.03, 0.03), 5: Block(0.5, 0.0, 0.10, 0.10, 0.045, bottom=0.035)}
"""A small block under a slab that hides it."""


@pytest.fixture(autouse=True)
def _remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    """The same few scenes are decided about again and again; equal decisions are computed once."""
    monkeypatch.setattr(trials_module, "situation_of", remembered_situation_of)


def tried(
    scenes: Sequence[Scene | None], effect: Effect = nothing_happens, seed: int = 0, **changes: Any
) -> tuple[list[TriedState], DrawnCell]:
    """The states of one scene, tried with the shipped numbers but for ``changes``, and where they were tried."""
    cell = DrawnCell(scenes, effect)
    shipped = proposer()
    agent = QAgent(LevelNetwork(2.0, 0.5), shipped.gripper, shipped.config, shipped.costs)
    config = replace(SHIPPED, **{"states_per_scene": 1, "varied_share": 0.0, "tool_error": 0.0, **changes})
    return Tryout(cell, agent, config, np.random.default_rng(seed)).scene(), cell  # type: ignore[arg-type]


def takes(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """A grasp brings the nearest block into the bin; a push does nothing."""
    if primitive.kind is PrimitiveKind.PUSH:
        return OutcomeStatus.PUSHED
    world.drop(world.nearest(primitive))
    return OutcomeStatus.HELD


def takes_all(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """A grasp brings everything into the bin."""
    if primitive.kind is PrimitiveKind.PUSH:
        return OutcomeStatus.PUSHED
    for body in world.bodies:
        world.drop(body)
    return OutcomeStatus.HELD


def outcomes(state: TriedState, kind: PrimitiveKind) -> set[tuple[bool, int]]:
    return {(item.success, item.company) for item in state.trials if item.proposal.primitive.kind is kind}


def test_what_came_of_grasps_and_of_the_grasps_after_pushes() -> None:
    (state,), _ = tried([PAIR], takes, easy_share=1.0)
    assert (outcomes(state, PrimitiveKind.GRASP), outcomes(state, PrimitiveKind.PUSH)) == ({(True, 0)}, {(True, 0)})
    assert len(state.trials) == SHIPPED.grasps + SHIPPED.pushes
    (state,), _ = tried([PAIR], takes_all)
    assert (outcomes(state, PrimitiveKind.GRASP), outcomes(state, PrimitiveKind.PUSH)) == ({(True, 1)}, {(True, 1)})
    (state,), _ = tried([PAIR])
    assert (outcomes(state, PrimitiveKind.GRASP), outcomes(state, PrimitiveKind.PUSH)) == ({(False, 0)}, {(False, 0)})


def test_of_an_easy_state_two_grasps_are_tried_and_of_another_one_all() -> None:
    (state,), _ = tried([ALONE], takes, easy_share=0.0)
    assert [item.proposal.primitive.kind for item in state.trials] == [PrimitiveKind.GRASP] * 2
    (state,), _ = tried([PAIR], takes_all, easy_share=0.0)
    assert len(state.trials) == SHIPPED.grasps + SHIPPED.pushes


def test_trials_change_nothing_and_then_one_action_is_carried_out() -> None:
    states, cell = tried([ALONE], states_per_scene=3)
    assert len(states) == 3
    assert len(cell.steps) == 3
    for state, step in zip(states, cell.steps, strict=True):
        assert step in [item.proposal.primitive for item in state.trials]


def test_every_scene_has_pads_and_a_calibration_of_its_own() -> None:
    frictions, errors = [], []
    for seed in range(20):
        states, cell = tried([ALONE], seed=seed, tool_error=0.0009, pad_friction=(0.2, 0.7), states_per_scene=2)
        frictions += cell.pad_frictions
        off = [
            min(
                (np.subtract(step.position, item.proposal.primitive.position) for item in state.trials),
                key=np.linalg.norm,
            )
            for state, step in zip(states, cell.steps, strict=True)
        ]
        assert off[0] == pytest.approx(off[1], abs=1e-12)
        assert off[0][2] == 0.0
        errors.append(off[0][:2])
    assert len(frictions) == 20
    assert 0.2 <= min(frictions) < 0.3 < 0.6 < max(frictions) <= 0.7
    assert 0.0007 < np.abs(errors).max() <= 0.0009


def test_a_scene_ends_with_its_last_target() -> None:
    states, cell = tried([PAIR], takes, states_per_scene=6, easy_share=0.0)
    assert len(states) == len(cell.steps) == 2


def test_a_search_succeeds_when_the_hidden_target_comes_into_view() -> None:
    def uncovers(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        if primitive.position[1] > -0.042:
            world.move(5, 0.6, 0.1)
        return OutcomeStatus.PUSHED

    pushes, shown = 0, set()
    for seed in range(4):
        (state,), _ = tried([SEARCHED], uncovers, seed=seed, search_share=1.0, pushes=10, proposals=60)
        assert not state.focus.on_target
        for item in state.trials:
            assert item.proposal.primitive.kind is PrimitiveKind.PUSH
            assert item.success == (item.proposal.primitive.position[1] > -0.042)
            assert item.company == 0
            shown.add(item.success)
            pushes += 1
    assert pushes == 40
    assert shown == {True, False}


def test_a_target_that_a_push_loses_or_that_cannot_be_reached_is_a_failure() -> None:
    def lost(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        world.move(3, 1.5, 0.0)
        return OutcomeStatus.PUSHED

    def refused(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
        raise DeviceFaultError("jammed")

    for effect in (lost, refused):
        cell = DrawnCell([ALONE], effect)
        shipped = proposer()
        tryout = Tryout(cell, shipped, SHIPPED, np.random.default_rng(0))  # type: ignore[arg-type]
        cell.reset(0, "random")
        view = tryout._scenery.look()
        focus = view.focus(3)
        assert focus is not None
        trials = tryout._try_actions(view, focus, 3)
        assert {(item.success, item.company) for item in trials} == {(False, 0)}


def test_equal_generators_try_the_same_and_a_share_of_the_grasps_is_varied() -> None:
    def primitives(seed: int, share: float) -> list[Primitive]:
        (state,), _ = tried([PAIR], seed=seed, varied_share=share, grasps=12)
        return [item.proposal.primitive for item in state.trials if item.proposal.primitive.kind is PrimitiveKind.GRASP]

    assert primitives(1, 0.5) == primitives(1, 0.5)
    assert primitives(1, 0.5) != primitives(2, 0.5)
    step = np.pi / 8
    off = [[abs((item.angle + step / 2) % step - step / 2) > 1e-6 for item in primitives(1, share)] for share in (0, 1)]
    assert not any(off[0])
    assert sum(off[1]) >= 8, "some variants are not feasible"


def test_half_of_the_varied_grasps_are_shallower_and_none_less_than_12_mm_deep() -> None:
    """The block is 35 mm high, so that the deepest grasps, of 30 mm, have a tool height of about 5 mm."""

    def heights(share: float) -> list[float]:
        (state,), _ = tried([ALONE], varied_share=share, grasps=12)
        found = (trial.proposal.primitive for trial in state.trials)
        return [item.position[2] for item in found if item.kind is PrimitiveKind.GRASP]

    assert max(heights(0.0)) < 0.006
    assert 3 <= sum(height > 0.006 for height in heights(1.0)) <= 9
    assert max(heights(1.0)) < 0.035 - 0.012


def test_scenes_have_training_seeds_and_those_that_do_not_settle_are_skipped() -> None:
    _, cell = tried([None, None, ALONE])
    assert len(cell.resets) == 3
    assert all(1_000_000 <= seed < 2**31 and scene in SHIPPED.scenes for seed, scene in cell.resets)
