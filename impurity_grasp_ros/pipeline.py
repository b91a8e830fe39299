"""One decision without ROS: frame -> heightmap -> attention -> primitive, by the very functions that the nodes call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Grid, Heightmap, Primitive, RgbdFrame
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.protocols import Actor


@dataclass(frozen=True)
class Decision:
    """What was seen and what is to be done about it; no primitive when the workspace is clear."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive | None


class Pipeline:
    """Decides frame by frame within a job, remembering what ordinary objects look like."""

    def __init__(self, grid: Grid, projection: ProjectionConfig, attention: AttentionConfig, actor: Actor) -> None:
        self._grid = grid
        self._projection = projection
        self._attention = attention
        self._actor = actor
        self._appearance: Appearance | None = None

    def new_job(self) -> None:
        """Forget the job before."""
        self._appearance = None

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """One decision; raises InvalidFrameError, EmptyCloudError and NoPrimitiveError."""
        heightmap = project(frame, self._grid, self._projection)
        attention, self._appearance = attend(heightmap, self._appearance, self._attention)
        if attention.state is AttentionState.CLEAR:
            return Decision(heightmap, attention, None)
        return Decision(heightmap, attention, self._actor.select(heightmap, attention, history))
