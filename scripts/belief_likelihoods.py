#!/usr/bin/env python3
"""Measure what it tells that a piece moved as one, or was put down: does it hide anything?

source scripts/bootstrap.sh learning
python scripts/belief_likelihoods.py                        # 56 jobs, about 5 minutes

Plays jobs of the shipped policy in simulated scenes, and compares what is hidden with what the belief is based on.
The factors `together` and `lifted` of `config/impurity_grasp.yaml` are ratios of these frequencies.
"""

from __future__ import annotations

import argparse
from collections import Counter
from contextlib import closing

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState, Heightmap, PrimitiveKind
from impurity_grasp_ros.evaluation.episode import run_episode
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.evaluation.record import EpisodePlan
from impurity_grasp_ros.learning.hidden_views import VISIBLE_CELLS
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project_labels
from impurity_grasp_ros.perception.moved_pieces import follow, pieces
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.environment import Environment

NEAR = 3
"""Cells from a piece within which a place belongs to it."""


class Observer:
    """Compares each decision of a job with the previous one, and counts in ``found``."""

    def __init__(self, environment: Environment, found: Counter[str]) -> None:
        self._environment = environment
        self._found = found
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._min_height = packaged_parameters("attention_node", AttentionConfig).occlusion.min_object_height
        self._last: tuple[Heightmap, list[tuple[float, float]], Decision] | None = None

    def __call__(self, decision: Decision) -> None:
        """Count what the latest action tells."""
        view, hidden = decision.heightmap, self._hidden()
        if self._last is not None:
            before, hidden_before, acted = self._last
            if acted.primitive is not None and acted.primitive.kind is PrimitiveKind.MOVE:
                self._count("put down", view, acted.primitive.place, hidden)
            elif acted.attention.state is AttentionState.CANDIDATE:
                moved = [piece.before for piece in follow(before, view, self._min_height) if piece.moved]
                as_one = any(_is_at(piece, before, acted.attention.center) for piece in moved)
                kind = "pushed, moved as one" if as_one else "pushed, did not move as one"
                self._count(kind, before, acted.attention.center, hidden_before)
        self._last = view, hidden, decision

    def _hidden(self) -> list[tuple[float, float]]:
        """Places (x, y) of the objects that the camera does not see."""
        environment = self._environment
        rendering = environment.camera.render()
        frame, grid = environment.camera.develop(rendering), environment.cell.workspace.grid
        labels = project_labels(frame, rendering.bodies, grid, self._projection)
        places = {body: environment.world.position(body)[:2] for body in environment.scene.blocks}
        return [
            (float(x), float(y))
            for body, (x, y) in places.items()
            if grid.contains(x, y) and (labels == body).sum() < VISIBLE_CELLS
        ]

    def _count(self, kind: str, view: Heightmap, place: tuple[float, float], hidden: list[tuple[float, float]]) -> None:
        for piece in pieces(view, self._min_height):
            if _is_at(piece, view, place):
                what = "something hidden" if any(_is_at(piece, view, other) for other in hidden) else "nothing hidden"
                self._found[f"{kind}, {what}"] += 1


def _is_at(piece: NDArray[np.bool_], view: Heightmap, place: tuple[float, float]) -> bool:
    row, column = (max(0, round(value)) for value in view.grid.to_cell(*place))
    return bool(piece[max(0, row - NEAR) : row + NEAR + 1, max(0, column - NEAR) : column + NEAR + 1].any())


def main() -> None:
    """Print how often each case was found."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="few,large,stacks,invisible")
    parser.add_argument("--seed", type=int, default=640)
    parser.add_argument("--episodes", type=int, default=14)
    options = parser.parse_args()
    found: Counter[str] = Counter()
    with closing(Environment()) as environment:
        policy = make_policy("ours", environment)
        for scene in options.scene.split(","):
            for seed in range(options.seed, options.seed + options.episodes):
                plan = EpisodePlan("ours", scene, seed)
                run_episode(environment, policy, plan, Observer(environment, found))
    for case, count in sorted(found.items()):
        print(f"{count:5d}  {case}")


if __name__ == "__main__":
    main()
