"""One decision without ROS: frame -> heightmap -> attention -> primitive, by the very functions that the nodes call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap, Primitive, RgbdFrame
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import View, ViewConfig, look
from impurity_grasp_ros.protocols import Actor

T = TypeVar("T")


@dataclass(frozen=True)
class Decision:
    """What was seen and what is to be done about it; no primitive when the workspace is clear."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive | None


class Stage(Protocol):
    """Called around each step of a decision."""

    def __call__(self, name: str, function: Callable[..., T], /, *arguments: Any) -> T:
        """What ``function`` returns for ``arguments``."""
        ...


def plain(_name: str, function: Callable[..., T], /, *arguments: Any) -> T:
    """A stage that adds nothing."""
    return function(*arguments)


class Pipeline:
    """Decides frame by frame within a job, remembering what ordinary objects look like and what was seen before.

    Args:
        site: The workspace and what surrounds it.
        projection: Which readings make up the scene.
        view: What a frame must be like to be acted upon.
        attention: How targets are told from ordinary objects.
        actor: The policy.
        stage: Called around each step; may take its time.
    """

    def __init__(
        self,
        site: Site,
        projection: ProjectionConfig,
        view: ViewConfig,
        attention: AttentionConfig,
        actor: Actor,
        stage: Stage = plain,
    ) -> None:
        self._site = site
        self._projection = projection
        self._view_config = view
        self._attention = attention
        self._actor = actor
        self._stage = stage
        self._view: View | None = None
        self._memory: Any = None

    def new_job(self) -> None:
        """Forget the job before."""
        self._view = None
        self._memory = None

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """One decision.

        Raises NoPrimitiveError when the actor finds nothing to do, and what :func:`.view.look` raises for a frame that
        cannot be acted upon; the next frame is then compared with the one before.
        """
        heightmap, self._view = self._stage(
            "judge and project", look, frame, self._site, self._projection, self._view_config, self._view
        )
        attention, self._memory = self._stage("attention", attend, heightmap, self._memory, self._attention)
        if attention.state is AttentionState.CLEAR:
            return Decision(heightmap, attention, None)
        primitive = self._stage("decide", self._actor.select, heightmap, attention, history)
        return Decision(heightmap, attention, primitive)
