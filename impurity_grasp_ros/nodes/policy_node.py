"""The policy as a service: ``select_primitive`` decides what to do about an attention."""

from __future__ import annotations

from pathlib import Path

from sensor_msgs.msg import Image
from visualization_msgs.msg import MarkerArray

from impurity_grasp.srv import SelectPrimitive
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.foresight.actors import make_thinking_actor
from impurity_grasp_ros.nodes.conversions import from_attempt, from_attention, from_heightmap, to_primitive
from impurity_grasp_ros.nodes.images import to_image
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.markers import primitive_markers
from impurity_grasp_ros.nodes.on_demand import OnDemand
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import answer_error
from impurity_grasp_ros.overlay import draw_primitive
from impurity_grasp_ros.policy.actors import PolicyNodeConfig, weights_in_use


class PolicyNode(ManagedNode):
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
        self.start()

    def configure(self) -> None:
        """Load the cell and the weights; see the base class."""
        self._cell = load_cell(self._settings.value.cell_file)
        make_thinking_actor(self._settings.value, self._cell)  # report unusable weights at the start, not during a job
        self._weights = {name: provenance(path) for name, path in weights_in_use(self._settings.value).items()}
        self._overlay = OnDemand(self, Image, "policy/overlay")
        self._markers = OnDemand(self, MarkerArray, "policy/markers")
        self.serve(SelectPrimitive, "select_primitive", self._on_select)

    def health(self) -> dict[str, str]:
        """Actor and weights; see the base class."""
        return {"actor": self._settings.value.actor, **self._weights}

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
        header, gripper = self.header(heightmap.stamp), self._cell.gripper_model
        self._overlay.offer(lambda: to_image(draw_primitive(heightmap, primitive, gripper), "rgb8", header))
        self._markers.offer(lambda: primitive_markers(primitive, gripper, header))
        return response


def provenance(path: Path) -> str:
    """Where the weights in a file come from, in one line."""
    from impurity_grasp_ros.policy.weights_file import read_weights  # torch takes its time

    training = read_weights(path).training
    if training is None:
        return f"{path.name}, of unknown origin"
    trained = f"preset {training.preset}, commit {training.commit}, seed {training.seed}, {training.rounds} rounds"
    return f"{path.name}: {trained}"


def main() -> None:
    """Entry point of the console script."""
    run(PolicyNode)
