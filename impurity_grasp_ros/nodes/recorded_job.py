"""Recorded jobs, as messages and values."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState

from impurity_grasp.msg import Decision as DecisionMsg
from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap, Primitive
from impurity_grasp_ros.errors import RecordingError
from impurity_grasp_ros.nodes.camera_topics import VIEW_TOPICS
from impurity_grasp_ros.nodes.camera_views import CameraImages
from impurity_grasp_ros.nodes.conversions import from_attempt, from_attention, from_heightmap, from_primitive
from impurity_grasp_ros.recording.job_file import PARAMETERS, RECORDING, Description, Recorded, read


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
        views: The frames that heightmaps were made from, in their order; not all of them led to a decision.
        joints: The robot's joint states.
        parameters: Parameters of the nodes by node and name.
    """

    steps: list[Step] = field(default_factory=list)
    views: list[CameraImages] = field(default_factory=list)
    joints: list[JointState] = field(default_factory=list)
    parameters: dict[str, dict[str, Any]] = field(default_factory=dict)


def read_job(path: Path) -> RecordedJob:
    """Read a recorded job.

    Args:
        path: The recording.

    Returns:
        The job; of one that was cut off, what was recorded.

    Raises:
        RecordingError: The file cannot be read, is damaged, or is no recording of a job.
    """
    job, name = RecordedJob(), None
    images: dict[str, list[Any]] = {topic: [] for topic in VIEW_TOPICS}
    for item in read(path):
        if isinstance(item, Description):
            if item.name == RECORDING:
                name = item.values["job"]
            elif item.name.startswith(PARAMETERS):
                values = {key: json.loads(text) for key, text in item.values.items()}
                job.parameters[item.name.removeprefix(PARAMETERS)] = values
        else:
            _add(job, images, name, item)
    if name is None:
        raise RecordingError(f"{path}: expected a recording of impurity_grasp, received another one")
    job.views = [CameraImages(*frame) for frame in zip(*images.values(), strict=False)]  # the last one may be cut off
    return job


def _add(job: RecordedJob, images: dict[str, list[Any]], name: str | None, item: Recorded) -> None:
    """Add a message to a job, of which ``name`` is the name."""
    if item.topic in VIEW_TOPICS:
        images[item.topic].append(deserialize_message(item.data, VIEW_TOPICS[item.topic]))
    elif item.topic == "joint_states":
        job.joints.append(deserialize_message(item.data, JointState))
    elif item.topic == "decision":
        message = deserialize_message(item.data, DecisionMsg)
        if message.job == name:  # one of the job before may come late
            job.steps.append(_step(message))


def _step(message: DecisionMsg) -> Step:
    return Step(
        from_heightmap(message.heightmap),
        from_attention(message.attention),
        from_primitive(message.primitive[0]) if message.primitive else None,
        from_attempt(message.attempt[0]) if message.attempt else None,
    )
