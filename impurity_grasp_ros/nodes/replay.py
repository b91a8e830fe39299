"""Attention and policy decide again on what a recorded job saw: which decisions would be others today?"""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import numpy as np
from rclpy.serialization import deserialize_message

from impurity_grasp.msg import Decision as DecisionMsg
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import flatten, from_flat, packaged_parameters
from impurity_grasp_ros.datatypes import Attempt, Attention, AttentionState, Heightmap, Primitive
from impurity_grasp_ros.errors import ImpurityGraspError, RecordingError
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.nodes.conversions import (
    from_attempt,
    from_attention,
    from_heightmap,
    from_primitive,
    to_attention,
    to_primitive,
)
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.recording.job_file import Description, read

T = TypeVar("T")

TOLERANCE = 1e-5
"""Greatest difference of numbers that counts as none: messages have single precision."""


class Step(NamedTuple):
    """A recorded decision; without a primitive, nothing was to be done."""

    heightmap: Heightmap
    attention: Attention
    primitive: Primitive | None
    attempt: Attempt | None


@dataclass
class RecordedJob:
    """What a recording tells about a job.

    Attributes:
        steps: The decisions in their order.
        parameters: Parameters of the nodes by node and name.
    """

    steps: list[Step] = field(default_factory=list)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)


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


def read_job(path: Path) -> RecordedJob:
    """Read a recorded job.

    Args:
        path: The recording.

    Returns:
        The job; of one that was cut off, what was recorded.

    Raises:
        RecordingError: The file cannot be read, is damaged, or is no recording of a job.
    """
    job, name, is_ours = RecordedJob(), "", False
    for item in read(path):
        if isinstance(item, Description):
            if item.name == "recording":
                name, is_ours = item.values["job"], True
            elif item.name.startswith("parameters of "):
                values = {key: json.loads(text) for key, text in item.values.items()}
                job.parameters[item.name.removeprefix("parameters of ")] = values
        elif item.kind == "impurity_grasp/msg/Decision":
            message = deserialize_message(item.data, DecisionMsg)
            if message.job == name:
                job.steps.append(_step(message))
    if not is_ours:
        raise RecordingError(f"{path}: expected a recording of impurity_grasp, received another one")
    return job


def _step(message: DecisionMsg) -> Step:
    return Step(
        from_heightmap(message.heightmap),
        from_attention(message.attention),
        from_primitive(message.primitive[0]) if message.primitive else None,
        from_attempt(message.attempt[0]) if message.attempt else None,
    )


class Replay:
    """Decides again on the views of recorded jobs.

    Args:
        attention: The mode of attention and its settings.
        policy: The actor and its settings.

    Raises:
        ConfigError: The cell cannot be loaded.
    """

    def __init__(self, attention: AttentionConfig, policy: PolicyNodeConfig) -> None:
        self._attention = attention
        self._policy = policy
        self._cell = load_cell(policy.cell_file)

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
        policy = packaged_parameters("policy_node", PolicyNodeConfig)
        return cls(
            packaged_parameters("attention_node", AttentionConfig),
            replace(policy, cell_file=cell_file or policy.cell_file),
        )

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
        policy = _recorded(job, "policy_node", PolicyNodeConfig)
        policy = replace(policy, cell_file=cell_file) if cell_file else policy
        return cls(_recorded(job, "attention_node", AttentionConfig), policy)

    def changes(self, job: RecordedJob) -> Iterator[Change]:
        """Decide again.

        Args:
            job: The job.

        Yields:
            Each decision that is another one now. What follows is decided on the views as they were recorded.

        Raises:
            ImpurityGraspError: Attention refuses a view now.
        """
        memory, history = JobAttention(), list[Attempt]()
        for index, step in enumerate(job.steps, start=1):
            found = memory.attend(step.heightmap, history[-1] if history else None, self._attention)
            attention = from_attention(to_attention(found, step.heightmap.grid))  # as the policy receives it
            primitive, failure = self._choose(step.heightmap, attention, history)
            what = failure or _difference(step, attention, primitive)
            if what:
                yield Change(index, step, what, attention, primitive)
            if step.attempt is not None:
                history.append(step.attempt)

    def _choose(
        self, heightmap: Heightmap, attention: Attention, history: list[Attempt]
    ) -> tuple[Primitive | None, str]:
        """What is chosen now, and why that failed."""
        if attention.state is AttentionState.CLEAR:
            return None, ""
        try:
            chosen = make_thinking_actor(self._policy, self._cell).select(heightmap, attention, history)
        except ImpurityGraspError as error:
            return None, f"{error.code.name}: {error}"
        return from_primitive(to_primitive(chosen)), ""


def _recorded(job: RecordedJob, node: str, kind: type[T]) -> T:
    if node not in job.parameters:
        raise RecordingError(f"expected the parameters of {node} in the recording, found those of {[*job.parameters]}")
    values = flatten(packaged_parameters(node, kind))
    return from_flat(kind, values | {name: job.parameters[node][name] for name in values.keys() & job.parameters[node]})


def _difference(step: Step, attention: Attention, primitive: Primitive | None) -> str:
    """What is different now, in words; empty for nothing."""
    if attention.state is not step.attention.state:
        return f"attention found {attention.state.name}, recorded {step.attention.state.name}"
    if (primitive is None) != (step.primitive is None):
        return f"chosen {_told(primitive)}, recorded {_told(step.primitive)}"
    if primitive is not None and step.primitive is not None and not _alike(primitive, step.primitive):
        return f"chosen {_told(primitive)}, recorded {_told(step.primitive)}"
    return ""


def _alike(one: Primitive, other: Primitive) -> bool:
    """Whether two primitives are the same motion; the value that is expected of it does not matter."""
    return one.kind is other.kind and np.allclose(_numbers(one), _numbers(other), rtol=0.0, atol=TOLERANCE)


def _numbers(primitive: Primitive) -> list[float]:
    return [*primitive.position, primitive.angle, primitive.length, primitive.opening, *primitive.place]


def _told(primitive: Primitive | None) -> str:
    if primitive is None:
        return "nothing"
    x, y, z = primitive.position
    return f"{primitive.kind.name.lower()} at ({x:.3f}, {y:+.3f}, {z:.3f}) m, {math.degrees(primitive.angle):.0f} deg"
