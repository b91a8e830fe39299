"""Traced frames of many boxes, each box only where it is in the image; those that many tests look at are kept."""

from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from itertools import product

import numpy as np
from numpy.typing import NDArray
from traced_frames import CAMERA, Box, camera_pose, trace

from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.transform import Transform, apply, inverse

OVERHEAD = camera_pose((0.5, 0.0), 0.72, tilt=0.0, azimuth=0.0, roll=0.0)


def overhead(boxes: Iterable[Box] = (), x: float = 0.5, y: float = 0.0, roll: float = 0.0) -> RgbdFrame:
    """Boxes seen by a camera 0.72 m above (x, y) on the table. Nobody writes into the images."""
    return _overhead(tuple(boxes), x, y, roll)


@lru_cache(maxsize=64)
def _overhead(boxes: tuple[Box, ...], x: float, y: float, roll: float) -> RgbdFrame:
    return traced(boxes, camera_pose((x, y), 0.72, tilt=0.0, azimuth=0.0, roll=roll))


def traced(boxes: Iterable[Box], pose: Transform) -> RgbdFrame:
    """What :func:`traced_frames.trace` gives, in less time."""
    table = trace([], pose)
    color, depth = table.color.copy(), table.depth.copy()
    for box in boxes:
        rows, columns = _window(box, pose)
        if rows.stop > rows.start and columns.stop > columns.start:
            _paste(box, pose, rows, columns, color, depth)
    color.setflags(write=False)
    depth.setflags(write=False)
    return replace(table, color=color, depth=depth)


def _window(box: Box, pose: Transform) -> tuple[slice, slice]:
    """Rows and columns of the image that the box may cover."""
    corners = apply(inverse(pose), np.array(list(product(box.x, box.y, (0.0, box.height)))))
    assert (corners[:, 2] > 0.0).all(), "boxes stay below the camera"
    columns = CAMERA.fx_px * corners[:, 0] / corners[:, 2] + CAMERA.cx_px
    rows = CAMERA.fy_px * corners[:, 1] / corners[:, 2] + CAMERA.cy_px
    return _range(rows, CAMERA.height_px), _range(columns, CAMERA.width_px)


def _range(pixels: NDArray[np.float64], size_px: int) -> slice:
    return slice(max(0, int(pixels.min()) - 1), min(size_px, int(pixels.max()) + 2))


def _paste(
    box: Box,
    pose: Transform,
    rows: slice,
    columns: slice,
    color: NDArray[np.uint8],
    depth: NDArray[np.float32],
) -> None:
    part = replace(
        CAMERA,
        width_px=columns.stop - columns.start,
        height_px=rows.stop - rows.start,
        cx_px=CAMERA.cx_px - columns.start,
        cy_px=CAMERA.cy_px - rows.start,
    )
    seen = trace([box], pose, part)
    nearer = seen.depth < depth[rows, columns]
    color[rows, columns][nearer] = seen.color[nearer]
    depth[rows, columns][nearer] = seen.depth[nearer]
