"""Our policy with a part taken out (paper, section 6.3.2)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, RgbdFrame
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend, on_candidate
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.protocols import Actor


class WithoutInference:
    """No occluded-region inference: without a target in view it acts where the saliency is highest.

    It has no way to tell that the workspace is clear, and goes on until it is stopped.
    """

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
        if attention.state is not AttentionState.TARGET:
            attention = on_candidate(attention, heightmap, most_salient_place(attention, heightmap))
        return Decision(heightmap, attention, self._actor.select(heightmap, attention, history))


def most_salient_place(attention: Attention, heightmap: Heightmap) -> tuple[float, float]:
    """Position (x, y) in metres of the saliency map's maximum."""
    row, column = np.unravel_index(int(attention.saliency.argmax()), attention.saliency.shape)
    return heightmap.grid.to_metres(float(row), float(column))
