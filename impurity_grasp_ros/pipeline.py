"""Make decisions without ROS: frame -> heightmap -> attention -> primitive, with the functions that the nodes call."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Heightmap,
    Primitive,
    RgbdFrame,
)
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.view import ReferenceView, ViewConfig, look
from impurity_grasp_ros.protocols import Actor

T = TypeVar("T")


@dataclass(frozen=True)
class Decision:
    """What was seen, and the primitive to execute; None when the workspace is clear."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive | None


class StepWrapper(Protocol):
    """A wrapper that is called for each step of a decision, for instance to measure its duration."""

    def __call__(self, name: str, function: Callable[..., T], /, *arguments: Any) -> T:
        """Call a step.

        Args:
            name: Name of the step.
            function: The step.
            *arguments: What to pass to it.

        Returns:
            What ``function`` returns.
        """
        ...


def plain(_name: str, function: Callable[..., T], /, *arguments: Any) -> T:
    """Call the step and do nothing else."""
    return function(*arguments)


class Pipeline:
    """Decides frame by frame, and remembers within a job what ordinary objects look like and what was seen before.

    Args:
        site: The workspace and its surroundings.
        projection: Which readings belong to the scene.
        view: What a view must be like for the robot to act on it.
        attention: How targets are told apart from ordinary objects.
        actor: The policy.
        stage: Called for each step.
    """

    def __init__(
        self,
        site: Site,
        projection: ProjectionConfig,
        view: ViewConfig,
        attention: AttentionConfig,
        actor: Actor,
        stage: StepWrapper = plain,
    ) -> None:
        self._site = site
        self._projection = projection
        self._view_config = view
        self._attention = attention
        self._actor = actor
        self._stage = stage
        self._view: ReferenceView | None = None
        self._job = JobAttention()
        self._attempts = 0

    def new_job(self) -> None:
        """Forget the previous job."""
        self._view = None
        self._job = JobAttention()
        self._attempts = 0

    def decide(self, frame: RgbdFrame, history: Sequence[Attempt]) -> Decision:
        """Decide what to do about a frame.

        After an error from :func:`.view.look`, the next frame is compared with the last one that was accepted.

        Args:
            frame: The camera's frame.
            history: The attempts of this job, oldest first.

        Returns:
            The decision.

        Raises:
            ImpurityGraspError: The frame cannot be acted on; for the subclasses see :func:`.view.look`.
            ViewIncompleteError: No target was found, but one may lie in a place that was not seen.
            NoPrimitiveError: The actor finds nothing to do.
        """
        heightmap, self._view = self._stage(
            "judge and project", look, frame, self._site, self._projection, self._view_config, self._view
        )
        last = history[-1] if len(history) > self._attempts else None
        attention = self._stage("attention", self._job.attend, heightmap, last, self._attention)
        self._attempts = len(history)
        if attention.state is AttentionState.CLEAR:
            return Decision(heightmap, attention, None)
        primitive = self._stage("decide", self._actor.select, heightmap, attention, history)
        return Decision(heightmap, attention, primitive)
