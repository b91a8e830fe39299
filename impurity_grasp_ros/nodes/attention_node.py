"""Attention as a service: ``attend`` finds the target in a heightmap, or a place where one may be hidden."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import Image

from impurity_grasp.srv import Attend
from impurity_grasp_ros.errors import InvalidGoalError
from impurity_grasp_ros.nodes.conversions import from_heightmap, to_attention, to_header
from impurity_grasp_ros.nodes.images import to_image
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.runtime import LATCHED, answer_error, run
from impurity_grasp_ros.overlay import draw_attention
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend


class AttentionNode(Node):
    """Offers the service ``attend`` and publishes what it found on the latched topic ``attention/overlay``.

    During a job it remembers what ordinary objects look like, so that it still recognizes them when few are left.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("attention_node", **options)
        self._settings = NodeParameters(self, "attention_node", AttentionConfig)
        self._appearance: Appearance | None = None
        self._knows_job = False
        self._overlay = self.create_publisher(Image, "attention/overlay", LATCHED)
        self.create_service(Attend, "attend", self._on_attend)

    def _on_attend(self, request: Attend.Request, response: Attend.Response) -> Attend.Response:
        try:
            heightmap = from_heightmap(request.heightmap)
            if request.new_job:
                self._appearance, self._knows_job = None, True
            elif not self._knows_job:
                raise InvalidGoalError("expected the first view of a job, received a later one: the node was restarted")
            attention, self._appearance = attend(heightmap, self._appearance, self._settings.value)
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        response.attention = to_attention(attention, heightmap.grid)
        self._overlay.publish(to_image(draw_attention(heightmap, attention), "rgb8", to_header(heightmap.stamp)))
        return response


def main() -> None:
    """Entry point of the console script."""
    run(AttentionNode)
