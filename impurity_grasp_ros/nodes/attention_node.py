"""Attention as a service: ``attend`` finds the target in a heightmap, or a place where one may be hidden.

Service ``teach`` shows ordinary objects to mode ``objects``, so that a job need not begin with mostly ordinary ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rclpy.parameter import Parameter
from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from impurity_grasp.srv import Attend, Teach
from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.errors import ConfigError, InvalidGoalError
from impurity_grasp_ros.nodes.conversions import from_attempt, from_heightmap, to_attention
from impurity_grasp_ros.nodes.frames import FramePublisher, target_frame
from impurity_grasp_ros.nodes.images import to_image
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.markers import attention_markers
from impurity_grasp_ros.nodes.on_demand import OnDemand
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import answer_error
from impurity_grasp_ros.overlay import draw_attention
from impurity_grasp_ros.perception.attention import OBJECTS, AttentionConfig, prepare
from impurity_grasp_ros.perception.job_attention import JobAttention

if TYPE_CHECKING:
    from impurity_grasp_ros.perception.teaching import Teacher

DROPPED_BY = frozenset({"objects.ordinary_model", "objects.weights"})
"""Parameters whose change drops what was taught by service, see ``srv/Teach.srv``."""

UNFAMILIAR = (
    "most objects in view are unlike all that was taught: please check that it is the right product and the right "
    "model, or teach it again"
)


class AttentionNode(ManagedNode):
    """Offers the services ``attend`` and ``teach``, publishes what it found on the latched topic ``attention/overlay``.

    During a job it remembers what ordinary objects look like, so that it still recognizes them when few are left.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid.
        CheckpointError: Weights cannot be used.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("attention_node", **options)
        self._settings = NodeParameters(self, "attention_node", AttentionConfig)
        self._teacher: Teacher | None = None
        self.add_post_set_parameters_callback(self._on_parameters)
        self.start()

    def configure(self) -> None:
        """Load weights and models; see the base class."""
        prepare(self._settings.value)  # on a busy machine, the first view would take longer than its client waits
        self._teacher = None
        self._job = JobAttention()
        self._mode = ""  # the mode that the job's memory is of; empty before the first view of a job
        self._knows_job = self._has_warned = False
        self._overlay = OnDemand(self, Image, "attention/overlay")
        self._markers = OnDemand(self, MarkerArray, "attention/markers")
        self._frames = FramePublisher(self)
        self.serve(Attend, "attend", self._on_attend)
        self.serve(Teach, "teach", self._on_teach)
        self._check_use()

    def health(self) -> dict[str, str]:
        """Mode and model; see the base class."""
        config = self._settings.value
        taught = "by service" if self._teacher else config.objects.ordinary_model or "nothing"
        return {"mode": config.mode, "taught": taught} if config.mode == OBJECTS else {"mode": config.mode}

    def _on_parameters(self, changes: Sequence[Parameter]) -> None:
        names = {change.name for change in changes}
        if self._teacher is not None and names & DROPPED_BY:
            self._teacher = None
            self.get_logger().info("what was taught by service is dropped: the next job uses the parameters")
        if names & {*DROPPED_BY, "mode"}:
            self._check_use()

    def _check_use(self) -> None:
        """Warn of a model that has no effect."""
        config = self._settings.value
        if config.mode != OBJECTS and (self._teacher or config.objects.ordinary_model):
            self.get_logger().warning(
                f"what was taught is used by mode {OBJECTS} only, received mode {config.mode}: it has no effect"
            )

    def _on_attend(self, request: Attend.Request, response: Attend.Response) -> Attend.Response:
        try:
            heightmap, config = from_heightmap(request.heightmap), self._settings.value
            if request.new_job:
                self._mode, self._knows_job = "", True
            elif not self._knows_job:
                raise InvalidGoalError("expected the first view of a job, received a later one: the node was restarted")
            if config.mode != self._mode:  # one mode cannot use the memory of another
                self._mode, self._job, self._has_warned = config.mode, JobAttention(self._first_memory(config)), False
            last = from_attempt(request.last[0]) if request.last else None
            attention = self._job.attend(heightmap, last, config)
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        if attention.unfamiliar and not self._has_warned:
            self._has_warned = True
            self.get_logger().warning(UNFAMILIAR)
        response.attention = to_attention(attention, heightmap.grid)
        header = self.header(heightmap.stamp)
        self._overlay.offer(lambda: to_image(draw_attention(heightmap, attention), "rgb8", header))
        self._markers.offer(lambda: attention_markers(attention, header))
        if attention.state is AttentionState.TARGET:
            self._frames.publish([target_frame(attention, self.frame_prefix)], heightmap.stamp)
        return response

    def _first_memory(self, config: AttentionConfig) -> Any:
        """What a job begins with: what was taught by service, else None."""
        model = self._teacher.model() if self._teacher and config.mode == OBJECTS else None
        if model is None:
            return None
        from impurity_grasp_ros.perception.odd_objects import ObjectsMemory  # torch takes its time

        return ObjectsMemory(model)

    def _on_teach(self, request: Teach.Request, response: Teach.Response) -> Teach.Response:
        try:
            self._teach(request, response)
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        self.get_logger().info(f"taught: {response.ordinary} ordinary and {response.odd} odd objects so far")
        self._check_use()
        return response

    def _teach(self, request: Teach.Request, response: Teach.Response) -> None:
        from impurity_grasp_ros.perception.teaching import Teacher, What

        config, file = self._settings.value, Path(request.file).expanduser()
        if request.what not in iter(What):
            raise InvalidGoalError(f"what: expected 0 (ORDINARY) or 1 (ODD), received {request.what}")
        if request.file and not file.is_absolute():
            raise ConfigError(f"file: expected an absolute path, received {request.file!r}")
        before = Teacher.begin(config.objects) if request.begin else self._teacher or Teacher.resume(config.objects)
        points = [(point.x, point.y) for point in request.points]
        after = before.shown(from_heightmap(request.heightmap), config, What(request.what), points)
        if request.file:
            after.save(file)
        self._teacher = after
        response.ordinary, response.odd = after.ordinary_shown, after.odd_shown
        response.added = after.ordinary_shown + after.odd_shown - before.ordinary_shown - before.odd_shown


def main() -> None:
    """Entry point of the console script."""
    run(AttentionNode)
