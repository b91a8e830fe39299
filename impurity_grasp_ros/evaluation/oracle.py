"""The oracle: ground truth and one step of look-ahead in the simulator, an upper bound for the other policies."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain, islice, zip_longest
from typing import NamedTuple, TypeVar

import numpy as np

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.constants import PUSH_LENGTH, ROTATION_STEP, ROTATIONS
from impurity_grasp_ros.datatypes import Attempt, OutcomeStatus, Primitive, RgbdFrame
from impurity_grasp_ros.errors import ImpurityGraspError, NoPrimitiveError
from impurity_grasp_ros.evaluation.truth import Truth, places, see
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.grasp_planner import plan_grasps
from impurity_grasp_ros.policy.history import REFUSED, is_similar
from impurity_grasp_ros.policy.push_planner import OCCUPIED, plan_push
from impurity_grasp_ros.simulation.dispersion import dispersion_degree
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.probe import visible_fractions

T = TypeVar("T")

ORACLE_STREAM = 3
"""Random stream of a scene's seed that the oracle draws from; the scene itself uses others."""


@dataclass(frozen=True)
class OracleConfig:
    """How many actions are tried per decision, and which. Lengths in meters.

    Attributes:
        grasp_trials: Grasps of all targets together.
        engagements: How far below a target's top the fingertips reach, from shallow to deep, in grasps that are chosen
            only for being free of collisions.
        push_trials: Pushes of all targets together.
        search_trials: The same while a target is hidden, since piles take longer to simulate.
        follow_ups: Grasps of each target that are tried after a push.
        min_visible: Visible fraction of a target from which on these grasps are tried.
        distances: Smallest and largest distance from a target's center back to the start of a push.
        offset: Largest sideways distance of that start.
        draws: Starts drawn for each direction; the nearest one on bare table is taken.
        heights: Height of the tool of a push above the table; above the surface under its start; and, to uncover a
            hidden target, above the top of that target.
        border: Smallest distance from either end of a push to the border of the workspace.
    """

    grasp_trials: int = 8
    engagements: tuple[float, ...] = (0.006, 0.012, 0.02)
    push_trials: int = 16
    search_trials: int = 10
    follow_ups: int = 2
    min_visible: float = 0.2
    distances: tuple[float, float] = (0.03, 0.12)
    offset: float = 0.03
    draws: int = 8
    heights: tuple[float, float, float] = (0.01, 0.006, 0.008)
    border: float = 0.02


class Prospect(NamedTuple):
    """What a push leads to. Compared field by field; the first difference decides.

    Attributes:
        within_reach: Targets in the bin, or that a grasp would then bring into the bin.
        free: Targets in the bin, or that the fingers then fit around.
        visible: Mean visible fraction of the other targets; 1 without any.
        dispersion: Mean dispersion degree of the targets left; 1 without any.
    """

    within_reach: int
    free: int
    visible: float
    dispersion: float


class Oracle:
    """Policy that knows every body, rehearses the actions that it could do, and decides for the best.

    Satisfies the ``Policy`` protocol. The same scene and history give the same decisions.

    Args:
        environment: The simulated cell that it acts in.
        config: How much it tries; the default if None.
    """

    def __init__(self, environment: Environment, config: OracleConfig | None = None) -> None:
        self._environment = environment
        self._config = config or OracleConfig()
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._analytic = packaged_parameters("policy_node", AnalyticConfig, "analytic")

    def new_job(self) -> None:
        """Do nothing: nothing is kept from one decision to the next."""

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """Decide for the first grasp found that brings a target into the bin, else for the best push.

        Args:
            frame: Of the scene as it is now.
            history: Attempts of this job, oldest first.

        Returns:
            The decision; without a primitive if no target is left in the workspace.

        Raises:
            InvalidFrameError: The frame cannot be projected.
            EmptyCloudError: The frame shows nothing of the workspace.
            NoPrimitiveError: No push was found that keeps all targets in the workspace.
        """
        truth = see(self._environment, frame, self._projection)
        if not truth.places:
            return Decision(truth.heightmap, truth.attention(None), None)
        for body, grasp in islice(self._grasps(truth), self._config.grasp_trials):
            if self._delivers(grasp):
                return Decision(truth.heightmap, truth.attention(body), grasp)
        rng = np.random.default_rng([self._environment.scene.seed, ORACLE_STREAM, len(history)])
        body, push = self._best_push(truth, rng)
        return Decision(truth.heightmap, truth.attention(body), push)

    def _grasps(self, truth: Truth) -> Iterator[tuple[int, Primitive]]:
        """Grasps to try, each with its target: the best ones of the planner, then those that are free of collisions."""
        planned = []
        for body in truth.places:
            found = plan_grasps(
                truth.heightmap, truth.mask(body), self._environment.cell.gripper_model, self._analytic.grasp
            )
            planned.append([(body, grasp) for grasp in _spread([item.primitive for item in found])])
        planned.sort(key=lambda grasps: -grasps[0][1].q_value if grasps else math.inf)
        yield from islice(_in_turn(planned), self._config.grasp_trials // 2)
        yield from _in_turn([[(body, grasp) for grasp in self._free_grasps(body)] for body in truth.places])

    def _free_grasps(self, body: int) -> list[Primitive]:
        """The deepest grasps of a target in which the fingers touch nothing else, visible or hidden."""
        environment, block = self._environment, self._environment.scene.blocks[body]
        found: list[Primitive] = []
        for engagement in self._config.engagements:
            deeper = environment.rehearse(partial(environment.probe.grasps, body, block, engagement))
            if not deeper:
                break
            found = deeper
        return _spread(found)

    def _delivers(self, grasp: Primitive) -> bool:
        """Whether a rehearsed grasp brings a target into the bin and moves none out of the workspace."""
        return self._environment.rehearse(partial(self._deliver, grasp))

    def _deliver(self, grasp: Primitive) -> bool:
        before = places(self._environment).keys()
        try:
            status = self._environment.step(grasp).status
        except ImpurityGraspError:  # the action would fail for real, too
            return False
        gone = before - places(self._environment).keys()
        return status is OutcomeStatus.HELD and bool(gone) and all(map(self._environment.is_in_bin, gone))

    def _best_push(self, truth: Truth, rng: np.random.Generator) -> tuple[int, Primitive]:
        """The push with the best prospect, preceded by the target around which it was drawn."""
        best: tuple[Prospect, int, Primitive] | None = None
        fans = [[(body, push) for push in self._pushes(truth, body, rng)] for body in truth.places]
        hidden = not all(map(truth.is_visible, truth.places))
        trials = self._config.search_trials if hidden else self._config.push_trials
        for body, push in islice(_in_turn(fans), trials):
            prospect = self._environment.rehearse(partial(self._prospect, push))
            if prospect is not None and (best is None or prospect > best[0]):
                best = prospect, body, push
                if prospect.within_reach == len(truth.places):
                    break
        if best is None:
            raise NoPrimitiveError(f"expected a push that keeps {len(truth.places)} targets, found none")
        return best[1:]

    def _pushes(self, truth: Truth, body: int, rng: np.random.Generator) -> list[Primitive]:
        """The analytic actor's push, then a random one past a target in each direction."""
        x, y, _ = (float(value) for value in truth.places[body])
        mask = truth.mask(body) if truth.is_visible(body) else None
        gripper = self._environment.cell.gripper_model
        planned = plan_push(truth.heightmap, mask, (x, y), (), gripper, self._analytic.push)
        pushes = [] if planned is None else [planned]
        for angle in rng.permutation(ROTATIONS) * ROTATION_STEP:
            starts = self._starts(truth, (x, y), float(angle), rng)
            if starts:
                start, surface = min(starts, key=lambda item: item[1] > OCCUPIED)  # the first on bare table, if any
                pushes.append(Primitive.push((*start, self._height(truth, body, surface, rng)), float(angle)))
        return pushes

    def _starts(
        self, truth: Truth, center: tuple[float, float], angle: float, rng: np.random.Generator
    ) -> list[tuple[tuple[float, float], float]]:
        """Random starts (x, y) of pushes past a target's center, nearest first, and the highest surface under each."""
        starts, config, (c, s) = [], self._config, (math.cos(angle), math.sin(angle))
        for back in np.sort(rng.uniform(*config.distances, config.draws)):
            aside = rng.uniform(-config.offset, config.offset)
            start = float(center[0] - c * back - s * aside), float(center[1] - s * back + c * aside)
            if self._stays(start) and self._stays((start[0] + PUSH_LENGTH * c, start[1] + PUSH_LENGTH * s)):
                row, column = (round(value) for value in truth.heightmap.grid.to_cell(*start))
                starts.append((start, float(truth.heightmap.window(row - 7, column - 7, 15).height.max())))
        return starts

    def _stays(self, place: tuple[float, float]) -> bool:
        """Whether a place is far enough inside the workspace."""
        grid, border = self._environment.cell.workspace.grid, self._config.border
        return grid.contains(*place, border)

    def _height(self, truth: Truth, body: int, surface: float, rng: np.random.Generator) -> float:
        """Tool height of a push in meters: as low as its start allows, or half of the time that of a target's cover."""
        low, clearance, cover = self._config.heights
        lowest = low if surface < OCCUPIED else surface + clearance
        if truth.is_visible(body) or rng.random() < 0.5:
            return lowest
        return max(lowest, self._environment.world.top(body) + cover)

    def _prospect(self, push: Primitive) -> Prospect | None:
        """Do a push, within a rehearsal, and rate its result; None if it was refused or a target was lost."""
        environment, before = self._environment, places(self._environment)
        try:
            status = environment.step(push).status
        except ImpurityGraspError:  # the action would fail for real, too
            return None
        after = places(environment)
        gone = before.keys() - after.keys()
        if status in REFUSED or not all(map(environment.is_in_bin, gone)):
            return None
        blocks = {body: environment.scene.blocks[body] for body in after}
        visible = visible_fractions(environment.world, environment.camera, blocks, environment.camera.visible_pixels())
        grasps = {body: self._free_grasps(body) if visible[body] > self._config.min_visible else [] for body in after}
        ends = [any(map(self._delivers, found[: self._config.follow_ups])) for found in grasps.values()]
        hidden = [visible[body] for body, found in grasps.items() if not found]
        others = {body: environment.world.position(body) for body in environment.world.bodies}
        degrees = [
            dispersion_degree(place, np.array([at for other, at in others.items() if other != body]).reshape(-1, 3))
            for body, place in after.items()
        ]
        return Prospect(
            within_reach=len(gone) + sum(ends),
            free=len(before) - len(hidden),
            visible=float(np.mean(hidden or [1.0])),
            dispersion=float(np.mean(degrees or [1.0])),
        )


def _spread(grasps: Sequence[Primitive]) -> list[Primitive]:
    """The grasps in their order, without those that are similar to an earlier one."""
    kept: list[Primitive] = []
    for grasp in grasps:
        if not any(is_similar(grasp, other) for other in kept):
            kept.append(grasp)
    return kept


def _in_turn(lists: Sequence[Sequence[T]]) -> Iterator[T]:
    """The first of every list, then the second of every list, and so on."""
    return (item for item in chain.from_iterable(zip_longest(*lists)) if item is not None)
