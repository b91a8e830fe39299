"""Draw decisions as images for people: (H, W, 3) uint8, RGB, with x to the right and y up."""

from __future__ import annotations

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attention, AttentionState, Grid, Heightmap, Primitive, PrimitiveKind
from impurity_grasp_ros.gripper import GripperModel

Picture = NDArray[np.uint8]

SCALE = 3
"""Image pixels per heightmap cell."""

HIDDEN_COLOR = (20, 20, 90)
SHOWN_FROM = 0.05
"""Color of what is said of hidden objects, and their least expected number that is drawn."""

TARGET_COLOR, CANDIDATE_COLOR = (255, 40, 200), (255, 200, 0)
GRASP_COLOR, PUSH_COLOR = (0, 220, 60), (0, 170, 255)
UNSEEN_COLOR = (40, 40, 40)
MAX_HEIGHT = 0.10
"""Height in meters that is drawn in the brightest color."""


def draw_heightmap(heightmap: Heightmap) -> Picture:
    """Draw the colors of a heightmap; unseen cells are dark gray."""
    return _enlarged(np.where(heightmap.valid[..., None], heightmap.color, np.array(UNSEEN_COLOR, np.uint8)))


def draw_height(heightmap: Heightmap) -> Picture:
    """Draw heights, from dark (table) to bright (10 cm)."""
    level = np.clip(heightmap.height / MAX_HEIGHT * 255, 0, 255).astype(np.uint8)
    return _enlarged(_colored(level, cv2.COLORMAP_VIRIDIS))


def draw_saliency(attention: Attention) -> Picture:
    """Draw the saliency map, stretched to the full range of colors."""
    raw = attention.saliency
    level = (raw - raw.min()) / max(float(np.ptp(raw)), 1e-9) * 255
    return _enlarged(_colored(level.astype(np.uint8), cv2.COLORMAP_INFERNO))


def draw_attention(heightmap: Heightmap, attention: Attention) -> Picture:
    """Draw the heightmap with the outline of the target or of the candidate region, and what may be hidden."""
    picture = draw_heightmap(heightmap)
    if not math.isnan(attention.hidden):
        text = f"hidden target: {100.0 * attention.hidden:.1f} %"
        cv2.putText(picture, text, (8, 22), cv2.FONT_HERSHEY_SIMPLEX, 0.6, HIDDEN_COLOR, 1, cv2.LINE_AA)
    for cluster in attention.clusters:
        if cluster.hidden >= SHOWN_FROM:
            place = _pixel(heightmap.grid, *cluster.center)
            text = f"{cluster.hidden:.1f}"
            cv2.putText(picture, text, place, cv2.FONT_HERSHEY_SIMPLEX, 0.7, HIDDEN_COLOR, 2, cv2.LINE_AA)
    if attention.state is AttentionState.CLEAR:
        return picture
    color = TARGET_COLOR if attention.state is AttentionState.TARGET else CANDIDATE_COLOR
    outlines, _ = cv2.findContours(_mask_pixels(heightmap, attention), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cv2.drawContours(picture, outlines, -1, color, 2)
    return picture


def draw_mask(heightmap: Heightmap, attention: Attention) -> Picture:
    """Draw the attention's mask in white: the target's cells, or all cells around a candidate."""
    return np.repeat(_mask_pixels(heightmap, attention)[..., None] * np.uint8(255), 3, axis=2)


def draw_primitive(
    heightmap: Heightmap, primitive: Primitive, gripper: GripperModel, picture: Picture | None = None
) -> Picture:
    """Draw the two fingers of a grasp or a move, and the stroke of a push or the way of an object that is moved.

    Args:
        heightmap: The view.
        primitive: What to draw.
        gripper: Whose fingers to draw.
        picture: An image of the heightmap to draw on, which is modified; a new one if None.

    Returns:
        The image.
    """
    picture = draw_heightmap(heightmap) if picture is None else picture
    x, y, _ = primitive.position
    c, s = math.cos(primitive.angle), math.sin(primitive.angle)

    def at(along: float, across: float) -> tuple[int, int]:
        return _pixel(heightmap.grid, x + c * along - s * across, y + s * along + c * across)

    if primitive.kind is PrimitiveKind.PUSH:
        cv2.arrowedLine(picture, at(0.0, 0.0), at(primitive.length, 0.0), PUSH_COLOR, 3, cv2.LINE_AA, tipLength=0.2)
        return picture
    inner, half = primitive.opening / 2, gripper.tip_width / 2
    outer = inner + gripper.tip_thickness
    for side in (-1, 1):
        finger = [at(side * d, w) for d, w in ((inner, -half), (inner, half), (outer, half), (outer, -half))]
        cv2.fillPoly(picture, [np.array(finger)], GRASP_COLOR, cv2.LINE_AA)
    cv2.line(picture, at(-inner, 0.0), at(inner, 0.0), GRASP_COLOR, 1, cv2.LINE_AA)
    if primitive.kind is PrimitiveKind.MOVE:
        place = _pixel(heightmap.grid, *primitive.place)
        cv2.arrowedLine(picture, at(0.0, 0.0), place, GRASP_COLOR, 3, cv2.LINE_AA, tipLength=0.1)
    return picture


def to_png(picture: NDArray[np.uint8 | np.uint16]) -> bytes:
    """Encode an image as PNG: (H, W, 3) RGB, or (H, W) in 8 or 16 bits."""
    _, png = cv2.imencode(".png", picture[..., ::-1] if picture.ndim == 3 else picture)
    return png.tobytes()


def side_by_side(pictures: dict[str, Picture], title: str) -> Picture:
    """Arrange images of equal height in a row, each under its name, all under a title.

    Args:
        pictures: At least one image, by name.
        title: Text above all of them.

    Returns:
        One image.
    """
    columns = []
    for name, picture in pictures.items():
        bar = np.full((28, picture.shape[1], 3), 255, np.uint8)
        cv2.putText(bar, name, (6, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.55, (60, 60, 60), 1, cv2.LINE_AA)
        columns += [np.vstack([bar, picture]), np.full((len(bar) + len(picture), 6, 3), 255, np.uint8)]
    row = np.hstack(columns[:-1])
    bar = np.full((36, row.shape[1], 3), 255, np.uint8)
    cv2.putText(bar, title, (6, 26), cv2.FONT_HERSHEY_SIMPLEX, 0.75, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, row])


def _mask_pixels(heightmap: Heightmap, attention: Attention) -> NDArray[np.uint8]:
    """Return the attention's mask in the pixels of a drawn heightmap, (H, W) of 0 and 1."""
    crop, rows, columns = attention.crop.grid, heightmap.grid.rows * SCALE, heightmap.grid.columns * SCALE
    pixels = np.flipud(np.repeat(np.repeat(attention.mask, SCALE, axis=0), SCALE, axis=1)).astype(np.uint8)
    left, top = _pixel(heightmap.grid, *crop.to_meters(crop.rows - 0.5, -0.5))
    shift = np.array([[1.0, 0.0, left], [0.0, 1.0, top]])
    return np.asarray(cv2.warpAffine(pixels, shift, (columns, rows), flags=cv2.INTER_NEAREST), np.uint8)


def _colored(level: NDArray[np.uint8], palette: int) -> Picture:
    """Color gray levels (H, W) with one of OpenCV's colormaps."""
    return np.asarray(cv2.applyColorMap(level, palette), np.uint8)[..., ::-1]


def _enlarged(image: NDArray[np.uint8]) -> Picture:
    flipped = np.flipud(image)
    return np.ascontiguousarray(np.repeat(np.repeat(flipped, SCALE, axis=0), SCALE, axis=1))


def _pixel(grid: Grid, x: float, y: float) -> tuple[int, int]:
    """Return the image coordinates (right, down) of a position in meters."""
    row, column = grid.to_cell(x, y)
    return round((column + 0.5) * SCALE), round((grid.rows - row - 0.5) * SCALE)
