"""Actions that were tried: from states of play, several actions are carried out in copies of the simulation.

A grasp is judged by what is in the bin afterwards. A push is judged by the grasp that follows it in the same copy, or,
while the target is hidden, by whether the target is in view afterwards.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Primitive, PrimitiveKind
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.learning.play import reset_to_any
from impurity_grasp_ros.learning.scenery import Scenery, SceneView
from impurity_grasp_ros.learning.transition import Focus
from impurity_grasp_ros.policy.agent import QAgent, Situation, masked_values, situation_of
from impurity_grasp_ros.policy.judge_network import Proposal
from impurity_grasp_ros.policy.proposals import propose, varied_grasp
from impurity_grasp_ros.simulation.environment import Environment


@dataclass(frozen=True)
class TrialsConfig:
    """Where actions are tried, and how many."""

    scenes: tuple[str, ...] = parameter("scenes to draw from")
    shares: tuple[float, ...] = parameter("relative frequency of each scene", low=0.0, high=1e6)
    states_per_scene: int = parameter("states of a scene from which actions are tried", low=1, high=100)
    search_share: float = parameter("probability of choosing a hidden target, if there is one", low=0.0, high=1.0)
    proposals: int = parameter("best actions of a kind from which those that are tried are drawn", low=1, high=64)
    grasps: int = parameter("grasps tried in a state", low=1, high=16)
    pushes: int = parameter("pushes tried in a state", low=1, high=16)
    easy_share: float = parameter("how often all is tried although the best grasp succeeds", low=0.0, high=1.0)
    varied_share: float = parameter("fraction of the grasps that are varied", low=0.0, high=1.0)
    least_depth: float = parameter(
        "m that the tips reach below the target's top at least; half of the varied grasps are as deep as they can be",
        low=0.01,
        high=0.05,
    )
    pad_friction: tuple[float, ...] = parameter("least and largest Coulomb coefficient of the pads", low=0.0, high=2.0)
    tool_error: float = parameter("m, largest error of the tool along x and y; constant in a scene", low=0.0, high=0.02)


class Trial(NamedTuple):
    """An action that was tried.

    Attributes:
        proposal: The action.
        success: Whether it did what it was for, see :class:`.Judgment`.
        company: Number of other objects that came into the bin.
    """

    proposal: Proposal
    success: bool
    company: int


@dataclass(frozen=True, eq=False)
class TriedState:
    """A state, and what came of the actions that were tried from it."""

    focus: Focus
    trials: tuple[Trial, ...]


class Tryout:
    """Plays in scenes, and tries actions on the way. Not thread-safe.

    Args:
        environment: The simulated cell.
        agent: Proposes actions.
        config: Where and how many.
        rng: Source of all random choices.
    """

    def __init__(self, environment: Environment, agent: QAgent, config: TrialsConfig, rng: np.random.Generator) -> None:
        self._environment = environment
        self._scenery = Scenery(environment)
        self._agent = agent
        self._config = config
        self._rng = rng
        self._error: NDArray[np.float64] = np.zeros(2)

    def scene(self) -> list[TriedState]:
        """Play in one new scene, with the pads and the calibration of some cell; returns its states."""
        reset_to_any(self._environment, self._config.scenes, self._config.shares, self._rng)
        low, high = self._config.pad_friction
        self._environment.set_pad_friction(float(self._rng.uniform(low, high)))
        self._error = self._rng.uniform(-self._config.tool_error, self._config.tool_error, 2)
        return list(self._play())

    def _play(self) -> Iterator[TriedState]:
        target: int | None = None
        for _ in range(self._config.states_per_scene):
            view = self._scenery.look()
            if target is None or view.focus(target) is None:
                target = view.pick_target(self._rng, self._config.search_share)
            focus = None if target is None else view.focus(target)
            if target is None or focus is None:
                return
            trials = self._try_actions(view, focus, target)
            if not trials:
                return
            yield TriedState(focus, tuple(trials))
            good = [trial for trial in trials if trial.success]
            chosen = good[self._rng.integers(len(good))] if good and self._rng.random() < 0.5 else trials[0]
            self._carry_out(chosen.proposal.primitive)

    def _try_actions(self, view: SceneView, focus: Focus, target: int) -> list[Trial]:
        """Try grasps and pushes; of the states in which the best grasp succeeds, most give two grasps only."""
        situation, values = self._valued(focus)
        grasps = self._drawn(values, situation, PrimitiveKind.GRASP, self._config.grasps)
        grasps = [self._perhaps_varied(item, situation, focus) for item in grasps]
        found = [self._tried(item, target, focus.on_target) for item in grasps[:1]]
        easy = any(trial.success and not trial.company for trial in found)
        if easy and self._rng.random() >= self._config.easy_share:
            return found + [self._tried(item, target, focus.on_target) for item in grasps[1:2]]
        pushes = self._drawn(values, situation, PrimitiveKind.PUSH, self._config.pushes)
        return found + [self._tried(item, target, focus.on_target) for item in grasps[1:] + pushes]

    def _valued(self, focus: Focus) -> tuple[Situation, NDArray[np.float32]]:
        grid, agent = self._environment.cell.workspace.grid, self._agent
        situation = situation_of(
            focus.crop, focus.mask, focus.on_target, grid, agent.gripper, agent.config, agent.costs
        )
        return situation, masked_values(agent.network, situation)

    def _drawn(
        self, values: NDArray[np.float32], situation: Situation, kind: PrimitiveKind, number: int
    ) -> list[Proposal]:
        """The best action, and some of the next best ones."""
        found = propose(values, situation, kind, self._config.proposals)
        others = self._rng.permutation(np.arange(1, len(found)))[: number - 1]
        return found[:1] + [found[index] for index in others]

    def _perhaps_varied(self, proposal: Proposal, situation: Situation, focus: Focus) -> Proposal:
        if self._rng.random() >= self._config.varied_share:
            return proposal
        (along, across), turn = self._rng.uniform(-0.005, 0.005, 2), self._rng.uniform(-0.2, 0.2)
        gripper, decoding = self._agent.gripper, self._agent.config
        depth = self._rng.uniform(min(self._config.least_depth, decoding.grasp_depth), decoding.grasp_depth)
        if self._rng.random() < 0.5:
            decoding = replace(decoding, grasp_depth=depth)
        varied = varied_grasp(proposal, (along, across), turn, situation, focus.mask, gripper, decoding)
        return varied or proposal

    def _tried(self, proposal: Proposal, target: int, on_target: bool) -> Trial:
        success, company = self._environment.rehearse(partial(self._try, proposal, target, on_target))
        return Trial(proposal, success, company)

    def _try(self, proposal: Proposal, target: int, on_target: bool) -> tuple[bool, int]:
        """Within a copy: carry out an action; returns whether it succeeded, and how many others came into the bin."""
        primitive = proposal.primitive
        try:
            self._carry_out(primitive)
            if primitive.kind is PrimitiveKind.PUSH:
                view = self._scenery.look()  # removes what a push has brought into the bin
                if not view.is_visible(target) or target not in view.positions:
                    return False, 0
                return (True, 0) if not on_target else self._grasp(view, target)
        except ImpurityGraspError:  # it would fail for real, too
            return False, 0
        return self._in_bin(target)

    def _grasp(self, view: SceneView, target: int) -> tuple[bool, int]:
        """Carry out the best grasp after a push."""
        focus = view.focus(target)
        if focus is None:
            return False, 0
        situation, values = self._valued(focus)
        best = propose(values, situation, PrimitiveKind.GRASP, 1)
        if not best:
            return False, 0
        self._carry_out(best[0].primitive)
        return self._in_bin(target)

    def _carry_out(self, primitive: Primitive) -> None:
        (x, y), z = np.add(primitive.position[:2], self._error), primitive.position[2]
        self._environment.step(replace(primitive, position=(float(x), float(y), z)))

    def _in_bin(self, target: int) -> tuple[bool, int]:
        others = [body for body in self._environment.world.bodies if body != target]
        return self._environment.is_in_bin(target), sum(map(self._environment.is_in_bin, others))
