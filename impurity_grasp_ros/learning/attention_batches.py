"""Batches of labeled views for training the attention."""

from __future__ import annotations

import numpy as np

from impurity_grasp_ros.learning.attention_config import AttentionTrainingConfig
from impurity_grasp_ros.learning.attention_views import Pair, ViewSource

_source: ViewSource | None = None
"""The simulated cell of this process."""


def make_batch(config: AttentionTrainingConfig, number: int) -> list[Pair]:
    """Make one batch; it depends on the seed and its number alone."""
    global _source
    _source = _source or ViewSource()
    rng = np.random.default_rng([config.seed, number])
    return _source.pairs(config.scenes_per_batch, config.pairs_per_scene, rng)
