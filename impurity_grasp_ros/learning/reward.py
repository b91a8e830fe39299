"""Rewards: a grasp has to hold the target, a push has to disperse the objects around it (paper, section 5.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GRASP_REWARD = 1.0
PUSH_REWARD = 0.5

DISPERSION_GAIN = 0.005
"""A push has to raise the target-centric dispersion degree by more than this (delta in the paper)."""

CHANGED_HEIGHT = (0.01, 0.3)
"""Range in meters of the height difference of a cell that counts as changed."""

CHANGED_CELLS = 300
"""A scene counts as changed when more cells than this have changed."""


def push_reward(before: float, after: float) -> float:
    """Reward of a push, from the target's dispersion degree before and after it."""
    return PUSH_REWARD if after - before > DISPERSION_GAIN else 0.0


def change_reward(before: NDArray[np.float32], after: NDArray[np.float32]) -> float:
    """Reward of a push for any change of the scene, whether or not it concerns the target.

    Used by target-agnostic push-grasping (Zeng et al., 2018) and by the ablation without TCDD.

    Args:
        before: (R, C) heights before the push, meters.
        after: (R, C) heights after the push, meters.
    """
    difference = np.abs(after - before)
    changed = (difference > CHANGED_HEIGHT[0]) & (difference < CHANGED_HEIGHT[1])
    return PUSH_REWARD if np.count_nonzero(changed) > CHANGED_CELLS else 0.0
