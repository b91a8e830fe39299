"""Conversions between the package's values and ROS messages: pure functions, one pair for each type."""

from __future__ import annotations

import math

import numpy as np
from geometry_msgs.msg import Point
from std_msgs.msg import Header

from impurity_grasp.msg import Attempt as AttemptMsg
from impurity_grasp.msg import Attention as AttentionMsg
from impurity_grasp.msg import Cluster as ClusterMsg
from impurity_grasp.msg import Heightmap as HeightmapMsg
from impurity_grasp.msg import Primitive as PrimitiveMsg
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Cluster,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
    PrimitiveKind,
)
from impurity_grasp_ros.errors import InvalidFrameError, InvalidGoalError
from impurity_grasp_ros.nodes.images import from_image, to_image
from impurity_grasp_ros.nodes.stamps import to_header, to_seconds


def to_heightmap(heightmap: Heightmap, header: Header | None = None) -> HeightmapMsg:
    """A heightmap as a message; without a header for it, the frame is ``base_link``."""
    header = header or to_header(heightmap.stamp)
    message = HeightmapMsg(header=header, resolution=heightmap.grid.resolution)
    message.color = to_image(heightmap.color, "rgb8", header)
    message.height = to_image(heightmap.height, "32FC1", header)
    message.valid = to_image(heightmap.valid * np.uint8(255), "mono8", header)
    if heightmap.fine_color is not None:
        message.fine_color = to_image(heightmap.fine_color, "rgb8", header)
    message.origin.position = Point(x=heightmap.grid.x_min, y=heightmap.grid.y_min)
    message.origin.orientation.w = 1.0
    return message


def from_heightmap(message: HeightmapMsg) -> Heightmap:
    """The heightmap in a message.

    Args:
        message: The message.

    Returns:
        The heightmap, with the message's stamp.

    Raises:
        InvalidFrameError: The images differ in size or encoding, the resolution is not positive, a height is not
            finite, or the fine color has no whole number of pixels per cell.
    """
    color, height, valid = (from_image(image) for image in (message.color, message.height, message.valid))
    if color.shape[:2] != height.shape or height.shape != valid.shape or message.resolution <= 0.0:
        raise InvalidFrameError(
            f"expected three images of one size and a positive resolution, received {color.shape}, {height.shape}, "
            f"{valid.shape} and {message.resolution}"
        )
    if not np.isfinite(height).all():
        raise InvalidFrameError("expected finite heights, received NaN or infinity")
    origin = message.origin.position
    grid = Grid(origin.x, origin.y, height.shape[0], height.shape[1], round(message.resolution, 6))
    fine = from_image(message.fine_color) if message.fine_color.data else None
    if fine is not None:
        _check_fine(fine.shape, height.shape)
    return Heightmap(color, height, valid > 0, grid, to_seconds(message.header.stamp), fine)


def _check_fine(received: tuple[int, ...], cells: tuple[int, ...]) -> None:
    """Refuse a fine color that is no RGB image of k x k pixels per cell."""
    factor = received[0] // cells[0]
    if factor < 1 or received != (factor * cells[0], factor * cells[1], 3):
        raise InvalidFrameError(
            f"fine_color: expected an RGB image of a whole number of pixels per cell of {cells}, received {received}"
        )


def to_attention(attention: Attention, grid: Grid) -> AttentionMsg:
    """An attention as a message.

    Args:
        attention: The attention.
        grid: The grid of the whole heightmap, for the row and column of the center.

    Returns:
        The message.
    """
    header = to_header(attention.crop.stamp)
    row, column = grid.to_cell(*attention.center)
    return AttentionMsg(
        header=header,
        state=attention.state,
        center_row_px=row,
        center_column_px=column,
        center=_point(attention.center),
        crop=to_heightmap(attention.crop),
        mask=to_image(attention.mask * np.uint8(255), "mono8", header),
        score=float(attention.score),
        clusters=[
            ClusterMsg(center=_point(cluster.center), area=cluster.area, height=cluster.height, hidden=cluster.hidden)
            for cluster in attention.clusters
        ],
        saliency=to_image(attention.saliency, "32FC1", header),
        unfamiliar=attention.unfamiliar,
        hidden=attention.hidden,
    )


def from_attention(message: AttentionMsg) -> Attention:
    """The attention in a message.

    Args:
        message: The message.

    Returns:
        The attention.

    Raises:
        InvalidFrameError: An image is invalid, or the mask and the crop differ in size.
        InvalidGoalError: The state is unknown.
    """
    crop, mask = from_heightmap(message.crop), from_image(message.mask) > 0
    if mask.shape != crop.height.shape:
        raise InvalidFrameError(f"expected a mask of the crop's size, {crop.height.shape}, received {mask.shape}")
    if message.state not in iter(AttentionState):
        raise InvalidGoalError(f"expected attention state 0, 1 or 2, received {message.state}")
    clusters = tuple(
        Cluster((cluster.center.x, cluster.center.y), cluster.area, cluster.height, cluster.hidden)
        for cluster in message.clusters
    )
    center = message.center.x, message.center.y
    saliency = from_image(message.saliency)
    state = AttentionState(message.state)
    return Attention(state, center, crop, mask, message.score, clusters, saliency, message.unfamiliar, message.hidden)


def to_primitive(primitive: Primitive) -> PrimitiveMsg:
    """A primitive as a message."""
    x, y, z = primitive.position
    return PrimitiveMsg(
        kind=primitive.kind,
        position=Point(x=x, y=y, z=z),
        angle=primitive.angle,
        length=primitive.length,
        opening=primitive.opening,
        q_value=primitive.q_value,
        place=Point(x=primitive.place[0], y=primitive.place[1]),
    )


def from_primitive(message: PrimitiveMsg) -> Primitive:
    """The primitive in a message.

    Args:
        message: The message.

    Returns:
        The primitive.

    Raises:
        InvalidGoalError: The kind is unknown, a number is not finite, or the length or the opening is out of range.
    """
    if message.kind not in iter(PrimitiveKind):
        raise InvalidGoalError(f"expected a primitive of kind 0, 1 or 2, received {message.kind}")
    position = message.position.x, message.position.y, message.position.z
    place = message.place.x, message.place.y
    numbers = (*position, message.angle, message.length, message.opening, *place)
    if not all(map(math.isfinite, numbers)):
        raise InvalidGoalError(f"expected position, angle, length, opening and place to be finite, received {numbers}")
    if message.length < 0.0 or message.opening < 0.0:
        raise InvalidGoalError(
            f"expected length and opening of at least 0 m, received {message.length:g} m and {message.opening:g} m"
        )
    kind = PrimitiveKind(message.kind)
    return Primitive(kind, position, message.angle, message.length, message.opening, message.q_value, place)


def to_attempt(attempt: Attempt) -> AttemptMsg:
    """An attempt as a message."""
    return AttemptMsg(
        primitive=to_primitive(attempt.primitive),
        status=attempt.outcome.status.value,
        opening=attempt.outcome.opening,
        duration=attempt.outcome.duration,
        message=attempt.outcome.message,
    )


def from_attempt(message: AttemptMsg) -> Attempt:
    """The attempt in a message.

    Args:
        message: The message.

    Returns:
        The attempt.

    Raises:
        InvalidGoalError: The status is unknown, or the primitive is invalid.
    """
    if message.status not in {status.value for status in OutcomeStatus}:
        raise InvalidGoalError(f"expected a known outcome status, received {message.status}")
    outcome = Outcome(OutcomeStatus(message.status), message.opening, message.duration, message.message)
    return Attempt(from_primitive(message.primitive), outcome)


def _point(center: tuple[float, float]) -> Point:
    return Point(x=float(center[0]), y=float(center[1]))
