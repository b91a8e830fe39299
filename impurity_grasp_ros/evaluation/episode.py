"""One episode: a policy works on a scene, and a referee judges the result."""

from __future__ import annotations

import time
from collections.abc import Callable

from impurity_grasp_ros.datatypes import Attempt, Primitive
from impurity_grasp_ros.errors import ImpurityGraspError, SceneNotSettledError
from impurity_grasp_ros.evaluation.policies import Policy
from impurity_grasp_ros.evaluation.record import FAULT, ActionRecord, End, EpisodePlan, EpisodeRecord
from impurity_grasp_ros.evaluation.referee import Referee
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.camera import count_pixels
from impurity_grasp_ros.simulation.environment import Environment

ACTIONS_PER_TARGET = 15
"""Budget of an episode: the paper's maximum step in its real-world experiments (section 6.4)."""
QUICK_ACTIONS_PER_TARGET = 10
"""Budget of a quick episode."""

OnDecision = Callable[[Decision], None]
"""Called with every decision before it is executed."""


def run_episode(
    environment: Environment, policy: Policy, plan: EpisodePlan, on_decision: OnDecision = lambda _: None
) -> EpisodeRecord:
    """Reset the environment to the plan's scene and let the policy work on it.

    The episode goes on until the policy says that the workspace is clear (which it should do when every target is in
    the bin, and not before), the budget is used up, or a fault occurs. A quick episode also ends at completion.

    Args:
        environment: The simulated cell.
        policy: Decides.
        plan: What determines the episode.
        on_decision: Called with every decision before it is executed.

    Returns:
        The record. It names the fault, if one ended the episode, and the missing scene, if the seed gives none.

    Raises:
        UnknownSceneError: There is no such scene.
    """
    try:
        environment.reset(plan.seed, plan.scene)
    except SceneNotSettledError as error:
        return EpisodeRecord(plan, 0, 0, 0, End.NO_SCENE, type(error).__name__, None, 0, 0, None, ())
    return _Episode(environment, policy, plan, on_decision).run()


class _Episode:
    """An episode in progress."""

    def __init__(self, environment: Environment, policy: Policy, plan: EpisodePlan, on_decision: OnDecision) -> None:
        self._environment = environment
        self._policy = policy
        self._plan = plan
        self._on_decision = on_decision
        self._referee = Referee(environment)
        self._targets = len(environment.scene.targets)
        self._budget = self._targets * (QUICK_ACTIONS_PER_TARGET if plan.quick else ACTIONS_PER_TARGET)
        self._history: list[Attempt] = []
        self._actions: list[ActionRecord] = []
        self._completed_after: int | None = None

    def run(self) -> EpisodeRecord:
        fault = ""
        try:
            end = self._play()
        except ImpurityGraspError as error:
            end, fault = End.FAULT, type(error).__name__
            self._notice_completion()
        return EpisodeRecord(
            plan=self._plan,
            targets=self._targets,
            others=len(self._environment.scene.blocks) - self._targets,
            budget=self._budget,
            end=end,
            fault=fault,
            completed_after=self._completed_after,
            targets_delivered=self._targets - len(self._referee.targets_left),
            targets_lost=self._referee.targets_lost,
            visible_at_end=self._referee.visible(self._environment.camera.visible_pixels()),
            actions=tuple(self._actions),
        )

    def _play(self) -> End:
        self._policy.new_job()
        while True:
            complete, used_up = self._notice_completion(), len(self._actions) >= self._budget
            if complete and self._plan.quick:
                return End.COMPLETE
            if used_up and not complete:
                return End.BUDGET
            frame, bodies = self._environment.camera.capture_with_bodies()  # the policy sees only the frame
            start = time.perf_counter()
            decision = self._policy.decide(frame, self._history)
            seconds = time.perf_counter() - start
            self._on_decision(decision)
            if decision.primitive is None:
                return End.CLEAR
            if used_up:  # completed by the last action, and the policy would go on
                return End.BUDGET
            self._act(decision, decision.primitive, seconds, self._referee.visible(count_pixels(bodies)))

    def _notice_completion(self) -> bool:
        complete = not self._referee.targets_left
        if complete and self._completed_after is None:
            self._completed_after = len(self._actions)
        return complete

    def _act(self, decision: Decision, primitive: Primitive, seconds: float, visible: float | None) -> None:
        """Execute a primitive and record it, even if a fault ends it."""
        status, robot_seconds, opening = FAULT, 0.0, 0.0
        try:
            outcome = self._environment.step(primitive)
            status, robot_seconds, opening = outcome.status.name, outcome.duration, max(outcome.opening, 0.0)
            self._history.append(Attempt(primitive, outcome))
        finally:
            targets, others = self._referee.collect()
            self._actions.append(
                ActionRecord(
                    kind=primitive.kind.name,
                    status=status,
                    attention=decision.attention.state.name,
                    position=tuple(float(value) for value in primitive.position),  # type: ignore[arg-type]
                    angle=float(primitive.angle),
                    visible=visible,
                    targets_delivered=targets,
                    others_delivered=others,
                    decision_seconds=seconds,
                    robot_seconds=float(robot_seconds),
                    opening=float(opening),
                )
            )
