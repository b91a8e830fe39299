"""Our policy with a part of its attention taken out (paper, section 6.3.2), and target-agnostic baselines."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence

import numpy as np

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend, on_candidate
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.protocols import Actor


class Impaired(ABC):
    """Sees and decides as our policy does, but for what is made of the attention."""

    def __init__(self, grid: Grid, actor: Actor) -> None:
        self._grid = grid
        self._actor = actor
        self._projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
        self._attention = packaged_parameters("attention_node", AttentionConfig)
        self._appearance: Appearance | None = None

    def new_job(self) -> None:
        """Forget the job before."""
        self._appearance = None

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """One decision; raises InvalidFrameError, EmptyCloudError and NoPrimitiveError."""
        heightmap = project(frame, self._grid, self._projection)
        attention, self._appearance = attend(heightmap, self._appearance, self._attention)
        attention = self._impair(attention, heightmap)
        if attention.state is AttentionState.CLEAR:
            return Decision(heightmap, attention, None)
        return Decision(heightmap, attention, self._actor.select(heightmap, attention, history))

    @abstractmethod
    def _impair(self, attention: Attention, heightmap: Heightmap) -> Attention:
        """What is left of an attention."""


class WithoutInference(Impaired):
    """No occluded-region inference: without a target in view it acts where the saliency is highest.

    It has no way to tell that the workspace is clear, and goes on until it is stopped.
    """

    def _impair(self, attention: Attention, heightmap: Heightmap) -> Attention:
        if attention.state is AttentionState.TARGET:
            return attention
        return on_candidate(attention, heightmap, most_salient_place(attention, heightmap))


class WithoutAttention(Impaired):
    """Nothing tells it where to act, nor that the workspace is clear. The attention is that on the whole workspace.

    The paper's ablation without target saliency detection: the whole scene is the state.
    """

    def _impair(self, attention: Attention, heightmap: Heightmap) -> Attention:
        grid = heightmap.grid
        return on_candidate(attention, heightmap, grid.to_metres((grid.rows - 1) / 2, (grid.columns - 1) / 2))


class WithDetectionAlone(WithoutAttention):
    """The attention counts while a target is in view; otherwise nothing tells it where to act."""

    def _impair(self, attention: Attention, heightmap: Heightmap) -> Attention:
        return attention if attention.state is AttentionState.TARGET else super()._impair(attention, heightmap)


def most_salient_place(attention: Attention, heightmap: Heightmap) -> tuple[float, float]:
    """Position (x, y) in metres of the saliency map's maximum."""
    row, column = np.unravel_index(int(attention.saliency.argmax()), attention.saliency.shape)
    return heightmap.grid.to_metres(float(row), float(column))
