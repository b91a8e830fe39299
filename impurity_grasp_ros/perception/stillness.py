"""Whether the camera still looks from where it did: some things in view must not have moved.

An action moves some objects. Of all else, the drop bin, other objects, the table's pattern, something stays where it
was, to the pixel; when the camera moves hardly anything does.
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
"""Corners that are followed: how many, how much weaker than the strongest, how far apart, over which block."""

_SEARCH_PX = (11, 11)
"""Window around a corner that is looked for again, in samples."""

_MIN_CORNERS = 3
"""Corners that make a thing recognizable."""

_FIT_CORNERS = 8
"""Corners that tell of a turn too small to be seen in one of them."""

_MIN_LEFT = 0.5
"""Part of the corners that are left when the camera moves: what leaves the view on one side enters on the other."""

_MIN_STILL_THINGS = 0.2
"""Part of the things that no action leaves behind: a camera that turns keeps those in the middle of its view."""

_AROUND = np.ones((5, 5), np.uint8)


@dataclass(frozen=True)
class StillnessConfig:
    """When a thing has stayed where it was."""

    max_shift_px: float = parameter("px of the image that a corner may seem to move at rest", low=0.2, high=10.0)
    min_still: float = parameter("part of a thing's corners that stay when it does", low=0.05, high=1.0)
    min_things: int = parameter("things in view that cannot all be moved by one action", low=2, high=50)


@dataclass(frozen=True, eq=False)
class Landmarks:
    """Corners in one view. gray: (h, w) uint8. corners: (N, 2) float32, samples (column, row).

    thing: (N,) the thing that each corner belongs to, 0 for the table. outside: (things,) bool, whether a thing lies
    outside of the workspace, out of reach of any action.
    """

    gray: NDArray[np.uint8]
    corners: NDArray[np.float32]
    thing: NDArray[np.intp]
    outside: NDArray[np.bool_]


def landmarks_of(samples: Samples, things: Mask) -> Landmarks:
    """What to find again in the next view. things: (h, w) pixels in which anything rises above the table."""
    gray = np.asarray(cv2.cvtColor(samples.color, cv2.COLOR_RGB2GRAY), np.uint8)
    count, labels = cv2.connectedComponents(cv2.dilate(things.astype(np.uint8), _AROUND), connectivity=8)
    inside = np.bincount(labels[samples.on_workspace], minlength=count) > 0
    found = cv2.goodFeaturesToTrack(gray, _CORNERS, _QUALITY, _DISTANCE_PX, blockSize=_BLOCK_PX)
    corners = np.zeros((0, 2), np.float32) if found is None else found.reshape(-1, 2).astype(np.float32)
    columns, rows = corners.astype(np.intp).T
    return Landmarks(gray, corners, labels[rows, columns].astype(np.intp), ~inside)


def check_still(now: Landmarks, before: Landmarks, config: StillnessConfig) -> None:
    """Check that some of the things of the view before are where they were, and of those that no action reaches one.

    It cannot tell with fewer things than ``min_things`` in view, unless one of them is out of the arm's reach, nor when
    most of what there was has been taken away.

    Raises:
        CameraMovedError: nothing outside of the workspace is where it was; or hardly anything is, and what lies outside
            does not show that the camera has not turned about it.
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
    if all_outside_moved or (few_stayed and not _is_held(before, shift, (outside & stayed)[before.thing], config)):
        where = ", none of them outside of the workspace" if all_outside_moved else ""
        raise CameraMovedError(
            f"expected most things to be where they were, received {things} in view of which only {still_things} have "
            f"stayed within {config.max_shift_px:g} px{where}"
        )


def _is_held(before: Landmarks, shift: NDArray[np.float32], fixed: NDArray[np.bool_], config: StillnessConfig) -> bool:
    """Whether corners that no action reaches tell that the camera has not turned about them; a push may move all else.

    fixed: (N,) the corners of things outside of the workspace that have stayed, by and large.
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
    """By how many px (N, 2) of the image the corners of the view before have moved; infinite where they are lost."""
    gain = float(np.median(before.gray)) / max(float(np.median(now.gray)), 1.0)  # a change of light is no move
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
