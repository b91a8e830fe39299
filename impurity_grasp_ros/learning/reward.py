"""What the robot learns from: did a grasp hold the target, did a push disperse its surroundings (paper, 5.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRASP_REWARD = 1.0
PUSH_REWARD = 0.5

DISPERSION_GAIN = 0.005
"""Rise of the target-centric dispersion degree from which on a push counts (delta in the paper)."""

CHANGED_HEIGHT = (0.01, 0.3)
"""Metres by which the height of a cell that has changed differs."""

CHANGED_CELLS = 300
"""Cells from which on a scene counts as changed."""


def push_reward(before: float, after: float) -> float:
    """Reward of a push that changed the dispersion degree."""
    return PUSH_REWARD if after - before > DISPERSION_GAIN else 0.0


def change_reward(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Reward of a push that changed the heights (R, C) in metres of a scene, whatever it did to the target.

    What target-agnostic push-grasping learns from (Zeng et al., 2018), and the ablation without TCDD.
    """
    difference = np.abs(after - before)
    changed = (difference > CHANGED_HEIGHT[0]) & (difference < CHANGED_HEIGHT[1])
    return PUSH_REWARD if np.count_nonzero(changed) > CHANGED_CELLS else 0.0
