"""Check that the camera has not moved: some of the things in view must be where they were.

An action moves some objects. Something else in view, be it the drop bin, another object or the table's pattern, stays
where it was, to the pixel. When the camera moves, hardly anything does.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import CameraMovedError
from impurity_grasp_ros.perception.samples import STRIDE, Mask, Samples

_CORNERS = 300
_QUALITY = 0.02
_DISTANCE_PX = 4
_BLOCK_PX = 3
"""Corners to track: their number, their strength relative to the strongest one, their distance and block size."""

_SEARCH_PX = (11, 11)
"""Window around a corner that is searched for again, in samples."""

_MIN_CORNERS = 3
"""Number of corners that make a thing recognizable."""

_FIT_CORNERS = 8
"""Number of corners from which a camera rotation that is too small to be seen in a single corner can be estimated."""

_MIN_LEFT = 0.5
"""If less than this fraction of the corners is left, objects were removed and the camera need not have moved: when it
moves, new corners come into view as others leave it."""

_MIN_STILL_THINGS = 0.2
"""Every action leaves at least this fraction of the things in place. It is not 0 because a camera that rotates keeps
those in the middle of its view."""

_AROUND = np.ones((5, 5), np.uint8)
"""Structuring element that adds a thing's surroundings to it, so that the corners on its outline are its own."""


@dataclass(frozen=True)
class StillnessConfig:
    """When a thing counts as still."""

    max_shift_px: float = parameter("image px by which a corner at rest may appear to move", low=0.2, high=10.0)
    min_still: float = parameter("fraction of its corners that must stay for a thing to be still", low=0.05, high=1.0)
    min_things: int = parameter("number of things that one action cannot move all together", low=2, high=50)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Corners in one view.

    Attributes:
        gray: (h, w) uint8, the sampled image.
        corners: (N, 2) float32, (column, row) in samples.
        thing: (N,) int, index of the thing that each corner belongs to, 0 for the table.
        outside: (things,) bool, whether each thing lies outside of the workspace, out of reach of any action.
    """

    gray: NDArray[np.uint8]
    corners: NDArray[np.float32]
    thing: NDArray[np.intp]
    outside: NDArray[np.bool_]


def landmarks_of(samples: Samples, things: Mask) -> Landmarks:
    """Find the corners to look for in the next view.

    Args:
        samples: Samples of one frame.
        things: (h, w) bool, the pixels in which anything rises above the table.
    """
    gray = np.asarray(cv2.cvtColor(samples.color, cv2.COLOR_RGB2GRAY), np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(things.astype(np.uint8), _AROUND), connectivity=8)
    inside = np.bincount(labels[samples.on_workspace], minlength=count) > 0
    found = cv2.goodFeaturesToTrack(gray, _CORNERS, _QUALITY, _DISTANCE_PX, blockSize=_BLOCK_PX)
    corners = np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2).astype(np.float32)
    columns, rows = corners.astype(np.intp).T
    return Landmarks(gray, corners, labels[rows, columns].astype(np.intp), ~inside)


def check_still(now: Landmarks, before: Landmarks, config: StillnessConfig) -> None:
    """Check that some things are where they were in the previous view, among them one that no action can reach.

    A moved camera is not noticed with fewer than ``min_things`` things in view, unless one of them is outside of the
    workspace, nor when most of the previous view's corners are gone because the objects were removed.

    Args:
        now: The corners of this view.
        before: The corners of the previous view.
        config: When a thing counts as still.

    Raises:
        CameraMovedError: Nothing outside of the workspace is where it was; or hardly anything at all is, and the
            things outside do not rule out that the camera has rotated about them.
    """
    if len(before.corners) == 0 or len(now.corners) < _MIN_LEFT * len(before.corners):
        return
    shift = _shifts(now, before)
    still = np.linalg.norm(shift, axis=1) < config.max_shift_px
    corners = np.bincount(before.thing)
    known = corners >= _MIN_CORNERS
    stayed = known & (np.bincount(before.thing, still) >= config.min_still * corners)
    things, still_things = np.count_nonzero(known), np.count_nonzero(stayed)
    outside = known & before.outside[: len(known)]
    all_outside_moved = outside.any() and not (outside & stayed).any()
    few_stayed = still_things < _MIN_STILL_THINGS * things and things >= config.min_things
    if all_outside_moved or (few_stayed and not _no_rotation(before, shift, (outside & stayed)[before.thing], config)):
        where = ", none of them outside of the workspace" if all_outside_moved else ""
        raise CameraMovedError(
            f"expected most things to be where they were, received {things} in view of which only {still_things} have "
            f"stayed within {config.max_shift_px:g} px{where}"
        )


def _no_rotation(
    before: Landmarks, shift: NDArray[np.float32], fixed: NDArray[np.bool_], config: StillnessConfig
) -> bool:
    """Whether corners out of reach show that the camera has not rotated about them; a push may move everything else.

    ``fixed``, (N,) bool, marks the corners of those things outside of the workspace that have stayed.
    """
    fixed = fixed & np.isfinite(shift).all(axis=1)
    if np.count_nonzero(fixed) < _FIT_CORNERS:
        return False
    middle = before.corners[fixed].mean(axis=0)
    place = before.corners - middle
    (x, y), (right, down) = place[fixed].T, (shift[fixed] - shift[fixed].mean(axis=0)).T
    turn = float((x * down - y * right).sum() / max(float((x**2 + y**2).sum()), 1.0)) / STRIDE
    return float(np.abs(turn) * STRIDE * np.linalg.norm(place, axis=1).max()) < config.max_shift_px


def _shifts(now: Landmarks, before: Landmarks) -> NDArray[np.float32]:
    """Return how far the corners of the previous view have moved, (N, 2) in image px; infinite where they are lost."""
    gain = float(np.median(before.gray)) / max(float(np.median(now.gray)), 1.0)  # a change of light is not a motion
    followed, found, _ = cv2.calcOpticalFlowPyrLK(
        before.gray,
        cv2.convertScaleAbs(now.gray, alpha=gain),
        before.corners[:, None],
        before.corners[:, None].copy(),
        winSize=_SEARCH_PX,
        maxLevel=0,
    )
    shift = STRIDE * (followed[:, 0] - before.corners)
    shift[found[:, 0] == 0] = np.inf
    return np.asarray(shift, np.float32)
