"""Attention with a part removed (paper, section 6.3.2)."""

from __future__ import annotations

import numpy as np

from impurity_grasp_ros.datatypes import Attention, AttentionState, Heightmap
from impurity_grasp_ros.perception.where_to_act import on_candidate


def without_inference(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation without occluded-region inference: with no target in view, act where saliency peaks; never CLEAR."""
    if attention.state is AttentionState.TARGET:
        return attention
    row, column = np.unravel_index(int(attention.saliency.argmax()), attention.saliency.shape)
    return on_candidate(attention, heightmap, heightmap.grid.to_meters(float(row), float(column)))


def whole_workspace(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation without target saliency detection: target-agnostic, act on the whole workspace; never CLEAR."""
    return on_candidate(attention, heightmap, heightmap.grid.middle)


def target_only(attention: Attention, heightmap: Heightmap) -> Attention:
    """Ablation that acts on a target in view, else on the whole workspace; never CLEAR."""
    return attention if attention.state is AttentionState.TARGET else whole_workspace(attention, heightmap)
