"""Pictures of what attention made of a view, with the truth about it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.evaluation.attention_verdict import Judged
from impurity_grasp_ros.overlay import SCALE, draw_attention, draw_heightmap, draw_outline, to_png

TRUTH_COLOR = (0, 220, 60)
PICTURE_PX = 330
"""Pixels along a side."""
MARGIN_CELLS = 12
"""Around the objects, so that nothing of them is cut off."""


def draw_judged(judged: Judged) -> bytes:
    """Draw the objects in view, targets outlined in green and what attention chose in pink or yellow.

    Args:
        judged: The view and the attention.

    Returns:
        A PNG file of PICTURE_PX by PICTURE_PX pixels.
    """
    view, attention = judged.view, judged.attention
    picture = draw_heightmap(view.heightmap) if attention is None else draw_attention(view.heightmap, attention)
    for body in view.targets:
        draw_outline(picture, view.mask(body), TRUTH_COLOR, 3)
    part = picture[_square(view.bodies >= 0)]
    resized = cv2.resize(part, (PICTURE_PX, PICTURE_PX), interpolation=cv2.INTER_AREA)
    return to_png(np.asarray(resized, np.uint8))


def _square(cells: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest square of pixels of a drawn heightmap around some cells and a margin; all pixels without any."""
    size = cells.shape[0]
    rows, columns = np.nonzero(np.flipud(cells))
    if not rows.size:
        return slice(None), slice(None)
    edge = min(size, int(max(np.ptp(rows), np.ptp(columns))) + 1 + 2 * MARGIN_CELLS)
    corners = [
        int(np.clip((int(places.min()) + int(places.max()) + 1 - edge) // 2, 0, size - edge))
        for places in (rows, columns)
    ]
    first, second = (slice(corner * SCALE, (corner + edge) * SCALE) for corner in corners)
    return first, second
