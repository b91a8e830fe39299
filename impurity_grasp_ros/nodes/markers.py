"""What RViz shows: the heightmap as a point cloud, and markers of the cell, the target, and the next primitive."""

from __future__ import annotations

import math
from collections.abc import Iterable, Sequence

import numpy as np
from geometry_msgs.msg import Point, Quaternion, Vector3
from numpy.typing import NDArray
from sensor_msgs.msg import PointCloud2, PointField
from std_msgs.msg import ColorRGBA, Header
from visualization_msgs.msg import Marker, MarkerArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_layout import workspace_square
from impurity_grasp_ros.datatypes import Attention, AttentionState, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.overlay import CANDIDATE_COLOR, GRASP_COLOR, HIDDEN_COLOR, PUSH_COLOR, SHOWN_FROM, TARGET_COLOR

CELL_COLOR, BIN_COLOR = (160, 160, 160), (90, 120, 160)

LINE = 0.004
"""Width of lines and shafts in meters."""

LETTER = 0.03
"""Height of letters in meters, and their distance from what they are about."""

POINT = np.dtype([("x", np.float32), ("y", np.float32), ("z", np.float32), ("rgb", np.uint32)])


def to_cloud(heightmap: Heightmap, header: Header) -> PointCloud2:
    """The cells of a heightmap that were seen, as points with color in the frame of ``header``."""
    rows, columns = np.nonzero(heightmap.valid)
    points = np.empty(len(rows), POINT)
    points["x"], points["y"] = heightmap.grid.to_meters(rows.astype(np.float64), columns.astype(np.float64))
    points["z"] = heightmap.height[rows, columns]
    red, green, blue = heightmap.color[rows, columns].astype(np.uint32).T
    points["rgb"] = red << 16 | green << 8 | blue
    return PointCloud2(
        header=header,
        height=1,
        width=len(points),
        fields=[  # color is sent as a float of the same bits
            PointField(name=name, offset=4 * number, datatype=PointField.FLOAT32, count=1)
            for number, name in enumerate(POINT.names or ())
        ],
        point_step=POINT.itemsize,
        row_step=points.nbytes,
        data=points.tobytes(),
        is_dense=True,
    )


def cell_markers(cell: CellConfig, header: Header) -> MarkerArray:
    """The outline of the workspace and the drop bin."""
    x_min, x_max, y_min, y_max = workspace_square(cell)
    corners = [(x_min, y_min), (x_max, y_min), (x_max, y_max), (x_min, y_max), (x_min, y_min)]
    outline = _marker("workspace", Marker.LINE_STRIP, CELL_COLOR, (LINE, 0.0, 0.0))
    outline.points = [Point(x=x, y=y) for x, y in corners]
    drop = cell.drop_bin
    box = _marker("bin", Marker.CUBE, BIN_COLOR, (drop.size_x, drop.size_y, drop.wall_height), alpha=0.4)
    box.pose.position = Point(x=drop.x, y=drop.y, z=drop.wall_height / 2)
    return _array((outline, box), header)


def attention_markers(attention: Attention, header: Header) -> MarkerArray:
    """The cells of the target or of the candidate, and what may be hidden."""
    markers = [
        _text(f"{cluster.hidden:.1f}", (*cluster.center, cluster.height))
        for cluster in attention.clusters
        if cluster.hidden >= SHOWN_FROM
    ]
    if not math.isnan(attention.hidden):
        grid = attention.crop.grid
        place = (
            (*attention.center, 2.5 * LETTER) if attention.state is not AttentionState.CLEAR else (*grid.middle, 0.0)
        )
        markers.append(_text(f"hidden target: {100.0 * attention.hidden:.1f} %", place))
    if attention.state is not AttentionState.CLEAR:
        is_target = attention.state is AttentionState.TARGET
        markers.append(_cells(attention, TARGET_COLOR if is_target else CANDIDATE_COLOR))
    return _array(markers, header)


def primitive_markers(primitive: Primitive, gripper: GripperModel, header: Header) -> MarkerArray:
    """The stroke of a push, or the fingers of a grasp or a move and the way of what is moved."""
    start, angle = np.array(primitive.position), primitive.angle
    along = np.array([math.cos(angle), math.sin(angle), 0.0])
    if primitive.kind is PrimitiveKind.PUSH:
        return _array([_arrow(start, start + primitive.length * along, PUSH_COLOR)], header)
    markers = []
    for side in (-1, 1):
        size = (gripper.tip_thickness, gripper.tip_width, 2 * gripper.tip_width)
        finger = _marker("primitive", Marker.CUBE, GRASP_COLOR, size)
        finger.pose.position = _point(start + side * (primitive.opening + gripper.tip_thickness) / 2 * along)
        finger.pose.position.z += gripper.tip_width
        finger.pose.orientation = Quaternion(z=math.sin(angle / 2), w=math.cos(angle / 2))
        markers.append(finger)
    if primitive.kind is PrimitiveKind.MOVE:
        markers.append(_arrow(start, np.array([*primitive.place, start[2]]), GRASP_COLOR))
    return _array(markers, header)


def _cells(attention: Attention, color: Sequence[int]) -> Marker:
    crop = attention.crop
    rows, columns = np.nonzero(attention.mask)
    x, y = crop.grid.to_meters(rows.astype(np.float64), columns.astype(np.float64))
    cells = _marker("target", Marker.POINTS, color, (crop.grid.resolution, crop.grid.resolution, 0.0))
    places = np.stack([x, y, crop.height[rows, columns] + LINE / 2], axis=1)
    cells.points = [_point(place) for place in places]
    return cells


def _arrow(start: NDArray[np.float64], end: NDArray[np.float64], color: Sequence[int]) -> Marker:
    arrow = _marker("primitive", Marker.ARROW, color, (LINE, 3 * LINE, 0.0))
    arrow.points = [_point(start), _point(end)]
    return arrow


def _text(text: str, place: tuple[float, ...]) -> Marker:
    marker = _marker("belief", Marker.TEXT_VIEW_FACING, HIDDEN_COLOR, (0.0, 0.0, LETTER))
    marker.text = text
    marker.pose.position = _point((place[0], place[1], place[2] + LETTER))
    return marker


def _marker(name: str, kind: int, color: Sequence[int], scale: Sequence[float], alpha: float = 1.0) -> Marker:
    marker = Marker(ns=name, type=kind, action=Marker.ADD, scale=Vector3(**dict(zip("xyz", scale, strict=True))))
    marker.color = ColorRGBA(**{key: value / 255 for key, value in zip("rgb", color, strict=True)}, a=alpha)
    marker.pose.orientation.w = 1.0
    return marker


def _point(place: Iterable[float]) -> Point:
    x, y, z = (float(value) for value in place)
    return Point(x=x, y=y, z=z)


def _array(markers: Iterable[Marker], header: Header) -> MarkerArray:
    """All markers of a topic; what was shown before is deleted."""
    found = [Marker(action=Marker.DELETEALL), *markers]
    for number, marker in enumerate(found):
        marker.header, marker.id = header, number
    return MarkerArray(markers=found)
