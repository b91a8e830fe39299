"""The judged actor: of the best actions of the value maps, the one with which the target is in the bin soonest."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import product

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.policy.agent import QAgent, Situation, masked_values, situation_of
from impurity_grasp_ros.policy.aside import cover_of, plan_aside, pushed_in_vain, top_of_pile
from impurity_grasp_ros.policy.grasp_planner import GraspPlannerConfig
from impurity_grasp_ros.policy.history import failed_grasps, failures_in_a_row, is_similar, recent_pushes
from impurity_grasp_ros.policy.judge_network import JudgeNetwork, Proposal, judge
from impurity_grasp_ros.policy.judged_config import JudgedConfig
from impurity_grasp_ros.policy.observation import check_resolution
from impurity_grasp_ros.policy.proposals import proposals_of, varied_grasp
from impurity_grasp_ros.protocols import Foreseen, Foresight

SHIFTS, TURNS = (-0.003, 0.0, 0.003), (-0.13, 0.0, 0.13)
"""Meters across the closing axis and radians by which a grasp is varied."""

MOVE_AND_GRASP, MOVE_AND_LOOK = 2.7, 1.8
"""Expected number of actions when what covers the target, or tops a pile, is put aside first: a move takes as long as
1.6 actions."""

REFINED = 2
"""Grasps that are varied."""

SECONDS_PER_TRY = 0.5
"""Time in which foresight tells what comes of one push. A number of pushes, unlike a time, gives equal results."""


class JudgedAgent:
    """``Actor`` protocol on a Q-network that proposes and a network that judges. Stateless.

    The ``q_value`` of a primitive is minus the expected number of actions until the target is in the bin; while the
    target is hidden, until it is in view.

    Args:
        proposer: Values all actions.
        network: Judges the best ones, in evaluation mode.
        config: How many are judged, and what counts.
        grasps: Limits and scores of the grasps of what is put aside.
        foresight: Tells what comes of pushes; None if only the networks judge them.
    """

    def __init__(
        self,
        proposer: QAgent,
        network: JudgeNetwork,
        config: JudgedConfig,
        grasps: GraspPlannerConfig,
        foresight: Foresight | None = None,
    ) -> None:
        self._proposer = proposer
        self._network = network.eval()
        self._config = config
        self._grasps = grasps
        self._foresight = foresight

    def with_foresight(self, foresight: Foresight) -> JudgedAgent:
        """Return the same actor with foresight."""
        return JudgedAgent(self._proposer, self._network, self._config, self._grasps, foresight)

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose the action with the fewest expected actions, see ``protocols.Actor``.

        It repeats neither a failed grasp nor a recent push. What lies on the target, or on top of
        a pile that was pushed in vain, is put aside where that is the shortest way.

        Args:
            heightmap: The view.
            attention: Where to act.
            history: Attempts of this job, oldest first.

        Returns:
            The primitive.

        Raises:
            ConfigError: The cells of the heightmap have another size than those that the networks know.
            NoPrimitiveError: No action is left.
        """
        check_resolution(heightmap.grid)
        agent, on_target = self._proposer, attention.state is AttentionState.TARGET
        situation = situation_of(
            attention.crop, attention.mask, on_target, heightmap.grid, agent.gripper, agent.config, agent.costs
        )
        values = masked_values(agent.network, situation)
        stale = failed_grasps(history) + recent_pushes(history)
        proposals = _fresh(proposals_of(values, situation, self._config.grasps, self._config.pushes), stale)
        if not proposals:
            raise NoPrimitiveError(f"expected something to do around {attention.crop.grid.middle}, found no action")
        failures = failures_in_a_row(history)
        expected = self._expected(situation, proposals, on_target, failures)
        if self._config.refine:
            varied = _fresh(self._varied(situation, attention.mask & on_target, proposals, expected), stale)
            if varied:
                expected = np.append(expected, self._expected(situation, varied, on_target, failures))
                proposals = proposals + varied
        if on_target:
            expected = self._thought_over(heightmap, attention, proposals, expected)
        best = int(expected.argmin())
        move = self._move(heightmap, attention, float(expected[best]), history)
        if move is not None:
            return move
        return replace(proposals[best].primitive, q_value=-float(expected[best]))

    def _move(
        self, heightmap: Heightmap, attention: Attention, expected: float, history: Sequence[Attempt]
    ) -> Primitive | None:
        """The move of what is in the way, if there is one and it is shorter than the expected number of actions."""
        crop, after, gripper = attention.crop, self._config.aside_after, self._proposer.gripper
        if after == 0:
            return None
        if attention.state is AttentionState.TARGET:
            actions, mask = MOVE_AND_GRASP, cover_of(crop, attention.mask)
            is_next = expected > actions
        else:
            actions, mask = MOVE_AND_LOOK, top_of_pile(crop)
            is_next = expected > actions or pushed_in_vain(crop.grid, history) >= after
        move = plan_aside(crop, mask, heightmap, history, gripper, self._grasps) if is_next else None
        return None if move is None else replace(move, q_value=-actions)

    def _expected(
        self, situation: Situation, proposals: Sequence[Proposal], on_target: bool, failures: int
    ) -> NDArray[np.float64]:
        """Expected number of actions (n,) with each proposal as the next one; lost product included."""
        judged = judge(self._network, situation.state, situation.crop.grid, proposals, on_target)
        grasps = np.array([item.primitive.kind is PrimitiveKind.GRASP for item in proposals])
        success = judged.success * np.where(grasps, self._config.doubt**failures, 1.0)
        actions = 1.0 + (1.0 - success) * self._config.failure_actions
        if on_target:
            actions += ~grasps + judged.company * self._config.product_actions
        return actions

    def _thought_over(
        self,
        heightmap: Heightmap,
        attention: Attention,
        proposals: Sequence[Proposal],
        expected: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Expected number of actions (n,), for the best pushes by what foresight tells, if one of them is next.

        Other pushes are no longer considered, unless the target would be lost with all that were tried.
        """
        tries = round(self._config.think / SECONDS_PER_TRY)
        if self._foresight is None or not tries or not _is_push(proposals[int(expected.argmin())]):
            return expected
        is_push = np.array([_is_push(item) for item in proposals])
        best = [int(index) for index in np.argsort(expected) if is_push[index]][:tries]
        seen = self._foresight.after(heightmap, attention, [proposals[index].primitive for index in best])
        found = {
            index: 1.0 + self._from(foreseen, heightmap.grid)
            for index, foreseen in zip(best, seen, strict=True)
            if foreseen is not None
        }
        thought = np.where(is_push, np.inf, expected) if found else expected.copy()
        for index in best:
            thought[index] = found.get(index, 2.0 + self._config.failure_actions)
        return thought

    def _from(self, foreseen: Foreseen, workspace: Grid) -> float:
        """Expected number of actions if the next one is the best grasp of what is foreseen."""
        agent = self._proposer
        situation = situation_of(
            foreseen.crop, foreseen.mask, True, workspace, agent.gripper, agent.config, agent.costs
        )
        values = masked_values(agent.network, situation)
        grasps = [item for item in proposals_of(values, situation, self._config.grasps, 1) if not _is_push(item)]
        return float(self._expected(situation, grasps, True, 0).min()) if grasps else 1.0 + self._config.failure_actions

    def _varied(
        self,
        situation: Situation,
        mask: NDArray[np.bool_],
        proposals: Sequence[Proposal],
        expected: NDArray[np.float64],
    ) -> list[Proposal]:
        """Variants of the best grasps."""
        grasps = [index for index, item in enumerate(proposals) if item.primitive.kind is PrimitiveKind.GRASP]
        best = sorted(grasps, key=lambda index: expected[index])[:REFINED]
        gripper, decoding = self._proposer.gripper, self._proposer.config
        found = [
            varied_grasp(proposals[index], (0.0, shift), turn, situation, mask, gripper, decoding)
            for index, shift, turn in product(best, SHIFTS, TURNS)
            if shift or turn
        ]
        return [item for item in found if item is not None]


def _is_push(proposal: Proposal) -> bool:
    return proposal.primitive.kind is PrimitiveKind.PUSH


def _fresh(proposals: Sequence[Proposal], stale: Sequence[Primitive]) -> list[Proposal]:
    """The proposals that do not repeat any of the earlier actions."""
    return [item for item in proposals if not any(is_similar(item.primitive, other) for other in stale)]
