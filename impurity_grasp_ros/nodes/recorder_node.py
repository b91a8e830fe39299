"""Writes an annotated picture of each decision, so that a person can review a run afterward."""

from __future__ import annotations

import math
from collections.abc import Callable
from pathlib import Path

from rclpy.node import Node
from rclpy.qos import QoSProfile

from impurity_grasp.msg import Decision
from impurity_grasp_ros.datatypes import Attempt, AttentionState, Primitive
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.nodes.conversions import from_attempt, from_attention, from_heightmap, from_primitive
from impurity_grasp_ros.overlay import (
    draw_attention,
    draw_height,
    draw_mask,
    draw_primitive,
    draw_saliency,
    side_by_side,
    to_png,
)


class RecorderNode(Node):
    """Records the messages on topic ``decision``.

    If a picture cannot be written, the job continues without recording, and :attr:`failure` says why.

    Args:
        folder: Where the pictures are written; :attr:`folder` may be changed between jobs.
        on_line: Receives each decision as a line of text.
        options: Keyword arguments of :class:`rclpy.node.Node`.
    """

    def __init__(self, folder: Path, gripper: GripperModel, on_line: Callable[[str], None], **options: object) -> None:
        super().__init__("recorder_node", **options)
        self.folder = folder
        self._gripper = gripper
        self.count = 0
        self.failure = ""
        self._on_line = on_line
        self.create_subscription(Decision, "decision", self._on_decision, QoSProfile(depth=100))

    def _on_decision(self, message: Decision) -> None:
        heightmap, attention = from_heightmap(message.heightmap), from_attention(message.attention)
        primitive = from_primitive(message.primitive[0]) if message.primitive else None
        attempt = from_attempt(message.attempt[0]) if message.attempt else None
        line = f"{message.index:2d}  {describe_decision(attention.state, primitive, attempt)}"
        chosen = draw_attention(heightmap, attention)
        if primitive is not None:
            chosen = draw_primitive(heightmap, primitive, self._gripper, chosen)
        pictures = {
            "color heightmap, attention, primitive": chosen,
            "height above the table": draw_height(heightmap),
            "saliency": draw_saliency(attention),
            "attention mask": draw_mask(heightmap, attention),
        }
        self._write(f"decision_{message.index:02d}.png", to_png(side_by_side(pictures, line)))
        self._on_line(line)
        self.count += 1

    def _write(self, name: str, content: bytes) -> None:
        if self.failure:
            return
        try:
            write_atomically(self.folder / name, content)
        except OSError as error:
            self.failure = str(error)
            self.get_logger().error(f"expected to write {name}, received {error}: the job continues without recording")


def describe_decision(state: AttentionState, primitive: Primitive | None, attempt: Attempt | None) -> str:
    """Describe a decision in one line; without a primitive, the workspace is clear."""
    if primitive is None:
        return "workspace clear: neither a target nor a heap that could hide one"
    reason = "target" if state is AttentionState.TARGET else "search"
    x, y, z = primitive.position
    place = f"({x:.3f}, {y:+.3f}, {z:.3f}) m, {math.degrees(primitive.angle):.0f} deg"
    kind = primitive.kind.name.lower()
    ending = attempt.outcome.status.name.lower().replace("_", " ") if attempt else "not executed"
    return f"{reason}: {kind} at {place}: {ending}"
