"""Tried actions without simulation: a grasp succeeds if the target is low, a push if it comes from the left."""

from __future__ import annotations

import math

import numpy as np

from impurity_grasp_ros.datatypes import Grid, Heightmap, Primitive
from impurity_grasp_ros.learning.transition import Focus
from impurity_grasp_ros.learning.trials import Trial, TriedState
from impurity_grasp_ros.policy.judge_network import Proposal

SIZE = 112


def drawn_state(rng: np.random.Generator) -> TriedState:
    """A block in the middle, of 20 or 40 mm, with another one to the left of half of them."""
    height, color = np.zeros((SIZE, SIZE), np.float32), np.full((SIZE, SIZE, 3), 200, np.uint8)
    low, beside = rng.random() < 0.5, rng.random() < 0.5
    mask = np.zeros((SIZE, SIZE), np.bool_)
    mask[48:64, 48:64] = True
    height[mask], color[mask] = 0.02 if low else 0.04, rng.integers(0, 100, 3)
    if beside:
        height[48:64, 32:48], color[48:64, 32:48] = 0.03, 20
    grid = Grid(0.4, -0.1, SIZE, SIZE)
    on_target = bool(rng.random() < 0.8)
    crop = Heightmap(color, height, np.ones((SIZE, SIZE), np.bool_), grid)
    focus = Focus(crop, mask if on_target else np.ones_like(mask), on_target)
    x, y = grid.middle
    trials = []
    if on_target:
        for angle in rng.choice(16, 2, replace=False) * math.pi / 8:
            grasp = Primitive.grasp((x, y, 0.01), float(angle), 1.0, 0.05)
            trials.append(Trial(Proposal(grasp, 0.001), low, int(beside)))
    for angle in rng.choice(16, 2, replace=False) * math.pi / 8:
        start = x - 0.05 * math.cos(angle), y - 0.05 * math.sin(angle), 0.01
        trials.append(Trial(Proposal(Primitive.push(start, float(angle), 0.5), 0.0), not low, 0))
    return TriedState(focus, tuple(trials))


def drawn_scenes(number: int, rng: np.random.Generator) -> list[list[TriedState]]:
    """So many scenes of three states each."""
    return [[drawn_state(rng) for _ in range(3)] for _ in range(number)]
