"""Labeled views for attention trainings, drawn instead of simulated, and a training of seconds."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

import numpy as np
from tiny_objects import SIZES

from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig, load_attention_training
from impurity_grasp_ros.learning.attention_labels import LabeledView, Roles, labeled
from impurity_grasp_ros.learning.attention_views import Pair

SIDE = 64
"""Cells along the side of a view."""

ROLES = Roles({11: 0, 12: 0, 13: 0, 14: 1, 15: 2}, frozenset({2}))
"""Five bodies: three of one kind, one of another, and an odd one."""

COLORS = {0: (140, 100, 77), 1: (153, 122, 40), 2: (38, 89, 204)}

TINY = replace(
    load_attention_training("attention"),
    network=SIZES,
    rounds=3,
    batches_per_round=2,
    scenes_per_batch=1,
    pairs_per_scene=1,
    seed=5,
    kind_weight=0.2,  # kinds of different pairs look the same here, and cannot be told apart
    temperature=0.15,
)


def drawn_view(rng: np.random.Generator, roles: Roles = ROLES) -> LabeledView:
    """Squares of 12 x 12 cells in places of their own, in the colors of their kinds, the higher the later."""
    bodies = np.full((SIDE, SIDE), 3, np.int32)  # 3: the table
    for body, place in zip(roles.kinds, rng.permutation(16), strict=False):
        row, column = 2 + 16 * (place // 4), 2 + 16 * (place % 4)
        bodies[row : row + 12, column : column + 12] = body
    color = np.full((SIDE, SIDE, 3), 200, np.uint8)
    for body, kind in roles.kinds.items():
        color[bodies == body] = COLORS[kind]
    fine = np.repeat(np.repeat(color, 2, axis=0), 2, axis=1)
    height = np.where(bodies == 3, 0.0, 0.002 * bodies).astype(np.float32)
    return labeled(height, np.ones((SIDE, SIDE), np.bool_), fine, bodies, roles, rng)


def drawn_pair(rng: np.random.Generator) -> Pair:
    """Two views of the same bodies."""
    return drawn_view(rng), drawn_view(rng)


@contextmanager
def drawn_batches(
    _make: object, config: AttentionTrainingConfig, numbers: range, _workers: int, _address: str | None
) -> Iterator[Iterator[list[Pair]]]:
    """Stands in for :func:`.produced`: batches without simulation, that depend on the same things."""

    def made_anew() -> Iterator[list[Pair]]:
        for number in numbers:
            yield [drawn_pair(np.random.default_rng([config.seed, number]))]

    yield made_anew()
