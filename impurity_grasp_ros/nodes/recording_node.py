"""Records each job as an MCAP file: what was seen, decided and done, and with which parameters."""

from __future__ import annotations

import math
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

from diagnostic_msgs.msg import DiagnosticArray, DiagnosticStatus
from geometry_msgs.msg import WrenchStamped
from rclpy.qos import QoSProfile
from rclpy.serialization import deserialize_message
from sensor_msgs.msg import JointState
from std_msgs.msg import String
from tf2_msgs.msg import TFMessage

from impurity_grasp.msg import CellState, Decision, JobState
from impurity_grasp_ros import __version__
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.nodes.camera_topics import VIEW_TOPICS
from impurity_grasp_ros.nodes.diagnostics import DIAGNOSTICS, status_of
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.message_definitions import kind_of
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, steady_timer
from impurity_grasp_ros.nodes.shared_parameters import ParameterReader
from impurity_grasp_ros.recording.job_file import PARAMETERS, RECORDING, SUFFIX, JobFile, Kind
from impurity_grasp_ros.recording.keeping import delete_oldest

MEGABYTE = 1_000_000
QUEUE = QoSProfile(depth=100)

STREAMS: dict[str, Any] = {"joint_states": JointState, "tool_force": WrenchStamped, DIAGNOSTICS: DiagnosticArray}
STATES: dict[str, Any] = {"cell_state": CellState, "robot_description": String, "/tf_static": TFMessage}
"""Types by topic, of what is recorded besides views, decisions and the job; the latter are latched."""

NODES = ("heightmap_node", "attention_node", "policy_node", "picker_node")
"""Nodes whose parameters are recorded."""

GRACE = 1.0
"""Seconds after the end of a job in which what belongs to it may still arrive."""


@dataclass(frozen=True)
class RecordingConfig:
    """Where recordings are kept, and how large they may become."""

    folder: str = parameter("folder of the recordings; relative to where the node was started")
    max_file: int = parameter("MB of one recording; what comes later in its job is not recorded", low=1, high=100_000)
    max_folder: int = parameter("MB of all recordings; the oldest ones are deleted", low=1, high=100_000_000)


class RecordingNode(ManagedNode):
    """Records every job, and each batch of a continuous one, in a file of its own.

    A fault of the disk ends the recording, not the job; diagnostics tell it.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid, or the folder cannot be written.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("recording_node", **options)
        self._settings = NodeParameters(self, "recording_node", RecordingConfig)
        self._kinds: dict[str, Kind] = {}
        self._problem = ""
        self._count = 0
        self.start()

    def configure(self) -> None:
        """Subscribe; see the base class."""
        self._folder = Path(self._settings.value.folder).expanduser().absolute()
        try:
            self._folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise ConfigError(f"folder: expected a folder that can be written: {error}") from error
        self._lock = threading.RLock()
        self._file: JobFile | None = None
        self._job = ""
        self._ended_at = math.inf
        self._states: dict[str, bytes] = {}
        self._parameters = ParameterReader(self, NODES)
        for topic, message in {**VIEW_TOPICS, **STREAMS, "decision": Decision}.items():
            self._listen(topic, message, QUEUE, partial(self._add, topic))
        for topic, message in STATES.items():
            self._listen(topic, message, LATCHED, partial(self._on_state, topic))
        self._listen("job", JobState, LATCHED, self._on_job)
        steady_timer(self, GRACE, self._end_late)
        self.own(self._close)

    def _listen(self, topic: str, message: Any, qos: QoSProfile, callback: Callable[[bytes], None]) -> None:
        self._kinds[topic] = kind_of(message)
        self.create_subscription(message, topic, callback, qos, raw=True)

    def device_statuses(self) -> list[DiagnosticStatus]:
        """The recording; see the base class."""
        level = DiagnosticStatus.ERROR if self._problem else DiagnosticStatus.OK
        values = {"folder": str(self._folder), "recordings": str(self._count)}
        with self._lock:  # a closed file has no size
            doing = f"recording {self._file.path.name}" if self._file else "waiting for a job"
            values |= {"size": f"{self._file.size / MEGABYTE:.1f} MB"} if self._file else {}
        return [status_of(f"{self.get_name()}: file", level, self._problem or doing, values)]

    def _on_state(self, topic: str, data: bytes) -> None:
        self._states[topic] = data
        self._add(topic, data)

    def _on_job(self, data: bytes) -> None:
        state = deserialize_message(data, JobState)
        with self._lock:
            if state.active and state.job != self._job:
                self._begin(state.job)
            self._add("job", data)
            self._ended_at = math.inf if state.active else min(self._ended_at, time.monotonic())

    def _begin(self, job: str) -> None:
        """Begin the recording of a job."""
        self._close()
        self._job, config = job, self._settings.value
        path = self._folder / f"{datetime.now():%Y-%m-%d_%H-%M-%S}_{job[:8]}-{job.rpartition('-')[2]}{SUFFIX}"
        try:
            delete_oldest(self._folder, (config.max_folder - config.max_file) * MEGABYTE)
            self._file = JobFile(path, config.max_file * MEGABYTE)
        except OSError as error:
            self._fail(error)
            return
        self._problem, self._count = "", self._count + 1
        self._describe(RECORDING, {"job": job, "package version": __version__})
        for topic, data in self._states.items():
            self._add(topic, data)

        def describe(node: str, values: dict[str, str]) -> None:
            if self._job == job:
                self._describe(f"{PARAMETERS}{node}", values)

        self._parameters.read(describe)

    def _add(self, topic: str, data: bytes) -> None:
        stamp = self.get_clock().now().nanoseconds
        self._try(lambda file: file.add(topic, self._kinds[topic], data, stamp))

    def _describe(self, name: str, values: dict[str, str]) -> None:
        self._try(lambda file: file.describe(name, values))

    def _try(self, action: Callable[[JobFile], None]) -> None:
        """Do something with the file of the job, if there is one; a fault ends the recording."""
        with self._lock:
            if self._file is None:
                return
            try:
                action(self._file)
            except OSError as error:
                self._fail(error)
            if self._file is not None and self._file.is_full and not self._problem:
                self._problem = f"{self._file.path.name} is full, the rest of its job is not recorded"
                self.get_logger().warning(self._problem)

    def _fail(self, error: OSError) -> None:
        self._problem = f"expected to record the job, received {error}: it goes on without"
        self.get_logger().error(self._problem)
        if self._file is not None:
            self._file.abandon()
        self._file = None

    def _end_late(self) -> None:
        """Close the file of a job that has ended."""
        with self._lock:
            if time.monotonic() > self._ended_at + GRACE:
                self._close()

    def _close(self) -> None:
        with self._lock:
            if self._file is None:
                return
            try:
                self._file.close()
            except OSError as error:
                self._fail(error)
            self._file, self._ended_at = None, math.inf


def main() -> None:
    """Entry point of the console script."""
    run(RecordingNode)
