"""The policy as a service: ``select_primitive`` decides what to do about an attention."""

from __future__ import annotations

from rclpy.node import Node
from sensor_msgs.msg import Image

from impurity_grasp.srv import SelectPrimitive
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.nodes.conversions import from_attempt, from_attention, from_heightmap, to_header, to_primitive
from impurity_grasp_ros.nodes.images import to_image
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.runtime import LATCHED, answer_error, run
from impurity_grasp_ros.overlay import draw_primitive
from impurity_grasp_ros.policy.actors import PolicyNodeConfig


class PolicyNode(Node):
    """Offers the service ``select_primitive`` and publishes the choice on the latched topic ``policy/overlay``.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid, or there is no such actor.
        CheckpointError: The weights cannot be used.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("policy_node", **options)
        self._settings = NodeParameters(self, "policy_node", PolicyNodeConfig)
        self._cell = load_cell(self._settings.value.cell_file)
        make_thinking_actor(self._settings.value, self._cell)  # report unusable weights at the start, not during a job
        self._overlay = self.create_publisher(Image, "policy/overlay", LATCHED)
        self.create_service(SelectPrimitive, "select_primitive", self._on_select)

    def _on_select(
        self, request: SelectPrimitive.Request, response: SelectPrimitive.Response
    ) -> SelectPrimitive.Response:
        try:
            heightmap, attention = from_heightmap(request.heightmap), from_attention(request.attention)
            history = [from_attempt(attempt) for attempt in request.history]
            primitive = make_thinking_actor(self._settings.value, self._cell).select(heightmap, attention, history)
        except Exception as error:  # every fault is answered with its code; the node keeps running
            return answer_error(response, error, self.get_logger())
        response.primitive = to_primitive(primitive)
        self._overlay.publish(
            to_image(draw_primitive(heightmap, primitive, self._cell.gripper_model), "rgb8", to_header(heightmap.stamp))
        )
        return response


def main() -> None:
    """Entry point of the console script."""
    run(PolicyNode)
