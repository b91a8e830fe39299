"""Pictures of what attention made of a view, with the truth about it."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.evaluation.attention_verdict import Judged, crop_mask
from impurity_grasp_ros.overlay import CANDIDATE_COLOR, SCALE, TARGET_COLOR, Picture, draw_heightmap, to_png

ODD_COLOR, CASING = (0, 220, 60), (0, 0, 0)
PICTURE_PX = 360
"""Pixels along a side."""
MARGIN_CELLS = 12
"""Around the objects, so that nothing of them is cut off."""
LINE_PX, CASING_PX = 2, 1
"""Widths of an outline and of the dark lines on both sides of it, which make it visible on any color."""
FONT_SCALE = 0.5
GAP_PX = 9
"""Between an object and its word."""
ODD = "odd"


def draw_judged(judged: Judged) -> bytes:
    """Draw the objects in view; ``odd`` marks the targets, ``taken`` and ``candidate`` what attention chose.

    Args:
        judged: The view and the attention.

    Returns:
        A PNG file of PICTURE_PX by PICTURE_PX pixels.
    """
    view, attention = judged.view, judged.attention
    rows, columns = _square(np.flipud(view.bodies >= 0))
    cells = draw_heightmap(view.heightmap)[::SCALE, ::SCALE][rows, columns]
    picture = np.asarray(cv2.resize(cells, (PICTURE_PX,) * 2, interpolation=cv2.INTER_NEAREST), np.uint8)
    marks = [(ODD, view.mask(body), ODD_COLOR) for body in view.targets]
    if attention is not None and attention.state is not AttentionState.CLEAR:
        found = attention.state is AttentionState.TARGET
        mask = crop_mask(attention, view.heightmap.grid)
        marks.append(("taken" if found else "candidate", mask, TARGET_COLOR if found else CANDIDATE_COLOR))
    for word, mask, color in marks:
        part = np.flipud(mask)[rows, columns].astype(np.uint8)
        _mark(picture, cv2.resize(part, (PICTURE_PX,) * 2, interpolation=cv2.INTER_NEAREST) > 0, word, color)
    return to_png(picture)


def _mark(picture: Picture, mask: NDArray[np.bool_], word: str, color: tuple[int, int, int]) -> None:
    """Outline pixels, those of odd objects at a distance, and write a word above or below; nothing without pixels."""
    if not mask.any():
        return
    inner = LINE_PX + CASING_PX if word == ODD else 0
    rings = [_grown(mask, inner + width) for width in (0, CASING_PX, CASING_PX + LINE_PX, 2 * CASING_PX + LINE_PX)]
    picture[rings[3] & ~rings[0]] = CASING
    picture[rings[2] & ~rings[1]] = color
    rows, columns = np.nonzero(mask)
    (width, height), _ = cv2.getTextSize(word, cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, 1)
    above, below = int(rows.min()) - GAP_PX, int(rows.max()) + height + GAP_PX
    bottom = below if above < height or (word == ODD and below < PICTURE_PX) else above
    bottom = min(bottom, PICTURE_PX - GAP_PX)
    left = int(np.clip(columns.mean() - width / 2, 3, PICTURE_PX - width - 3))
    for shade, thickness in ((CASING, 4), (color, 1)):
        place = (left, bottom)
        cv2.putText(picture, word, place, cv2.FONT_HERSHEY_SIMPLEX, FONT_SCALE, shade, thickness, cv2.LINE_AA)


def _grown(mask: NDArray[np.bool_], width: int) -> NDArray[np.bool_]:
    return cv2.dilate(mask.astype(np.uint8), np.ones((2 * width + 1,) * 2, np.uint8)) > 0


def _square(cells: NDArray[np.bool_]) -> tuple[slice, slice]:
    """The smallest square around some cells and a margin; everything if there are none."""
    size = cells.shape[0]
    rows, columns = np.nonzero(cells)
    if not rows.size:
        return slice(None), slice(None)
    edge = min(size, int(max(np.ptp(rows), np.ptp(columns))) + 1 + 2 * MARGIN_CELLS)
    corners = [(int(places.min()) + int(places.max()) + 1 - edge) // 2 for places in (rows, columns)]
    first, second = (min(max(corner, 0), size - edge) for corner in corners)
    return slice(first, first + edge), slice(second, second + edge)
