"""Experiences without a simulator: a block on a table and an action at it."""

import numpy as np

from impurity_grasp_ros.datatypes import Grid, Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus, Snapshot, Transition

WORKSPACE = Grid(0.276, -0.224)


def focus(rng: np.random.Generator, *, on_target: bool = True) -> Focus:
    """A crop with a colored block somewhere near the middle."""
    row, column = rng.integers(40, 60, 2)
    mask = np.zeros((112, 112), np.bool_)
    mask[row : row + 15, column : column + 18] = True
    color = np.where(mask[..., None], rng.integers(0, 256, 3), 230).astype(np.uint8)
    height = np.where(mask, np.float32(0.04), np.float32(0.0))
    crop = Heightmap(color, height, np.ones((112, 112), np.bool_), WORKSPACE.window(56, 56, 112))
    return Focus(crop, mask if on_target else np.ones_like(mask), on_target)


def transition(rng: np.random.Generator, reward: float = 0.0, *, last: bool = False) -> Transition:
    """A random action on a random crop."""
    kind = PrimitiveKind(int(rng.integers(2)))
    action = ExecutedAction(kind, int(rng.integers(16)), float(rng.uniform(20, 90)), float(rng.uniform(20, 90)))
    following = None if last else Snapshot.of(focus(rng))
    return Transition(Snapshot.of(focus(rng)), action, reward, following, 0.0 if last else 0.3, 0)
