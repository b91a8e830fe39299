"""One decision without ROS: frame -> heightmap -> attention -> primitive, by the very functions that the nodes call."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap, Primitive, RgbdFrame
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import View, ViewConfig, look
from impurity_grasp_ros.protocols import Actor


@dataclass(frozen=True)
class Decision:
    """What was seen and what is to be done about it; no primitive when the workspace is clear."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive | None


class Pipeline:
    """Decides frame by frame within a job, remembering what ordinary objects look like and what was seen before."""

    def __init__(
        self, site: Site, projection: ProjectionConfig, view: ViewConfig, attention: AttentionConfig, actor: Actor
    ) -> None:
        self._site = site
        self._projection = projection
        self._view_config = view
        self._attention = attention
        self._actor = actor
        self._view: View | None = None
        self._appearance: Appearance | None = None

    def new_job(self) -> None:
        """Forget the job before."""
        self._view = None
        self._appearance = None

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """One decision.

        Raises NoPrimitiveError when the actor finds nothing to do, and what :func:`.view.look` raises for a frame that
        cannot be acted upon; the next frame is then compared with the one before.
        """
        heightmap, self._view = look(frame, self._site, self._projection, self._view_config, self._view)
        attention, self._appearance = attend(heightmap, self._appearance, self._attention)
        if attention.state is AttentionState.CLEAR:
            return Decision(heightmap, attention, None)
        return Decision(heightmap, attention, self._actor.select(heightmap, attention, history))
