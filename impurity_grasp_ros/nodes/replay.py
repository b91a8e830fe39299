"""Perception and policy work again on what a recorded job saw: which decisions would be others today?"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np
from sensor_msgs.msg import JointState

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import flatten, from_flat, packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap, Primitive
from impurity_grasp_ros.errors import ImpurityGraspError, RecordingError
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.body import RobotBody
from impurity_grasp_ros.nodes.camera_views import CameraImages, CameraViews, HeightmapNodeConfig
from impurity_grasp_ros.nodes.conversions import from_attention, from_primitive, to_attention, to_primitive
from impurity_grasp_ros.nodes.recorded_job import RecordedJob, Step
from impurity_grasp_ros.nodes.robot_parts import parts_in
from impurity_grasp_ros.nodes.stamps import to_seconds
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.transform import PlacedBox

T = TypeVar("T")

NODES: dict[str, Any] = {
    "heightmap_node": HeightmapNodeConfig,
    "attention_node": AttentionConfig,
    "policy_node": PolicyNodeConfig,
}
"""Nodes whose work is done again, and their parameters."""

SAME_STAMP = 1e-6
"""Seconds within which two stamps are those of the same frame: they are stored as nanoseconds."""

TOLERANCE = 1e-5
"""Greatest difference of numbers that counts as none: messages have single precision."""


@dataclass(frozen=True, eq=False)
class Change:
    """A decision that is another one now.

    Attributes:
        index: Number of the decision in its job, from 1.
        step: What was recorded.
        what: What differs, in words.
        attention: What is found now.
        primitive: What is chosen now; None if nothing is to be done, or if the choice failed.
    """

    index: int
    step: Step
    what: str
    attention: Attention
    primitive: Primitive | None


@dataclass
class Comparison:
    """What is different now.

    Attributes:
        views: Number of views whose heightmap is another one now.
        changes: The decisions that are others now.
    """

    views: int = 0
    changes: list[Change] = field(default_factory=list)


class Replay:
    """Perceives and decides again on the frames of recorded jobs.

    Args:
        views: How frames are judged and projected.
        attention: The mode of attention and its settings.
        policy: The actor and its settings.

    Raises:
        ConfigError: The cell cannot be loaded.
    """

    def __init__(self, views: HeightmapNodeConfig, attention: AttentionConfig, policy: PolicyNodeConfig) -> None:
        self._views = views
        self._attention = attention
        self._policy = policy
        self._cell = load_cell(policy.cell_file)
        self._body = RobotBody(self._cell.gripper_model)

    @property
    def gripper(self) -> GripperModel:
        """The gripper of the cell."""
        return self._cell.gripper_model

    @classmethod
    def as_shipped(cls, cell_file: str = "") -> Replay:
        """Decide with the shipped parameters.

        Args:
            cell_file: The cell; empty for the shipped one.

        Raises:
            ConfigError: The cell cannot be loaded.
        """
        return cls.as_recorded(RecordedJob(parameters={node: {} for node in NODES}), cell_file)

    @classmethod
    def as_recorded(cls, job: RecordedJob, cell_file: str = "") -> Replay:
        """Decide with the parameters of a recording; those that did not exist then have their shipped values.

        Args:
            job: What was recorded.
            cell_file: The cell; empty for the recorded path.

        Raises:
            RecordingError: They were not recorded.
            ConfigError: They are not valid any more, or a file that they name cannot be used.
        """
        views, attention, policy = (_recorded(job, node, kind) for node, kind in NODES.items())
        return cls(views, attention, replace(policy, cell_file=cell_file) if cell_file else policy)

    def compare(self, job: RecordedJob) -> Comparison:
        """Perceive and decide again. What follows a change is decided on the frames as they were recorded.

        Args:
            job: The job.

        Returns:
            What is different now.
        """
        found, memory, history = Comparison(), JobAttention(), list[Attempt]()
        camera, frames = CameraViews(self._cell), deque(job.views)
        for index, step in enumerate(job.steps, start=1):
            try:
                heightmap = self._seen(step, camera, frames, job.joints, new_job=not history)
                found.views += heightmap is not step.heightmap and not _equal(heightmap, step.heightmap)
                attended = memory.attend(heightmap, history[-1] if history else None, self._attention)
                attention = from_attention(to_attention(attended, heightmap.grid))  # as the policy receives it
                primitive = self._chosen(heightmap, attention, history)
                what = _difference(step, attention, primitive)
            except ImpurityGraspError as error:
                attention, primitive, what = step.attention, None, f"{error.code.name}: {error}"
            if what:
                found.changes.append(Change(index, step, what, attention, primitive))
            if step.attempt is not None:
                history.append(step.attempt)
        return found

    def _seen(
        self,
        step: Step,
        camera: CameraViews,
        frames: deque[CameraImages],
        joints: list[JointState],
        *,
        new_job: bool,
    ) -> Heightmap:
        """The heightmap of a decision, made again of its frame; the recorded one if that was not recorded."""

        def parts_at(stamp: float, tolerance: float) -> tuple[PlacedBox, ...]:
            return parts_in(joints, self._body, stamp, tolerance)

        while frames and (stamp := to_seconds(frames[0].depth.header.stamp)) <= step.heightmap.stamp + SAME_STAMP:
            heightmap = camera.judged(frames.popleft(), parts_at, self._views, new_job=new_job)
            if stamp >= step.heightmap.stamp - SAME_STAMP:
                return heightmap
        return step.heightmap

    def _chosen(self, heightmap: Heightmap, attention: Attention, history: list[Attempt]) -> Primitive | None:
        """What is chosen now; None if nothing is to be done."""
        if attention.state is AttentionState.CLEAR:
            return None
        chosen = make_thinking_actor(self._policy, self._cell).select(heightmap, attention, history)
        return from_primitive(to_primitive(chosen))


def _recorded(job: RecordedJob, node: str, kind: type[T]) -> T:
    if node not in job.parameters:
        raise RecordingError(f"expected the parameters of {node} in the recording, found those of {[*job.parameters]}")
    values = flatten(packaged_parameters(node, kind))
    return from_flat(kind, values | {name: job.parameters[node][name] for name in values.keys() & job.parameters[node]})


def _equal(one: Heightmap, other: Heightmap) -> bool:
    same = np.array_equal(one.valid, other.valid) and np.array_equal(one.color, other.color)
    return same and np.allclose(one.height, other.height, rtol=0.0, atol=TOLERANCE)


def _difference(step: Step, attention: Attention, primitive: Primitive | None) -> str:
    """What is different now, in words; empty for nothing."""
    if attention.state is not step.attention.state:
        return f"attention found {attention.state.name}, recorded {step.attention.state.name}"
    if _alike(primitive, step.primitive):
        return ""
    return f"chosen {_told(primitive)}, recorded {_told(step.primitive)}"


def _alike(one: Primitive | None, other: Primitive | None) -> bool:
    """Whether two primitives are the same motion; the value that is expected of it does not matter."""
    if one is None or other is None:
        return one is other
    return one.kind is other.kind and np.allclose(_numbers(one), _numbers(other), rtol=0.0, atol=TOLERANCE)


def _numbers(primitive: Primitive) -> list[float]:
    return [*primitive.position, primitive.angle, primitive.length, primitive.opening, *primitive.place]


def _told(primitive: Primitive | None) -> str:
    if primitive is None:
        return "nothing"
    x, y, z = primitive.position
    return f"{primitive.kind.name.lower()} at ({x:.3f}, {y:+.3f}, {z:.3f}) m, {math.degrees(primitive.angle):.0f} deg"
