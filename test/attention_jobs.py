"""Views and records of attention made by hand."""

from __future__ import annotations

import numpy as np

from impurity_grasp_ros.datatypes import Attention, AttentionState, Grid, Heightmap
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit, JobPlan, JobRecord, ObjectRecord
from impurity_grasp_ros.evaluation.removals import View

GRID = Grid(0.276, -0.224)
ODD, PLAIN, SLIVER = 7, 8, 9
"""A target of 100 cells, an ordinary object of 200, and another one of 20 that is hardly in view."""


def drawn(targets: tuple[int, ...] = (ODD,), step: int = 0) -> View:
    """A view of the three objects in rows 60 to 69: columns 100 to 109 (odd), 110 to 129 (plain), 10 to 11 (sliver)."""
    bodies = np.full((224, 224), -1, np.int32)
    bodies[60:70, 100:110] = ODD
    bodies[60:70, 110:130] = PLAIN
    bodies[60:70, 10:12] = SLIVER
    color = np.full((224, 224, 3), 200, np.uint8)
    color[bodies == ODD] = (200, 30, 30)
    height = np.where(bodies >= 0, 0.04, 0.0).astype(np.float32)
    return View(step, Heightmap(color, height, np.ones((224, 224), np.bool_), GRID), bodies, targets)


def attention_to(
    mask: np.ndarray | None, state: AttentionState = AttentionState.TARGET, score: float = 0.9
) -> Attention:
    """An attention to cells of the whole heightmap, whose crop begins at row 6 and column 49."""
    crop = drawn().heightmap.window(6, 49, 112)
    cells = np.ones((112, 112), np.bool_) if mask is None else mask[6:118, 49:161]
    return Attention(state, GRID.to_meters(61.5, 104.5), crop, cells, score, (), crop.height)


def cells(rows: slice, columns: slice) -> np.ndarray:
    """A mask of the whole heightmap."""
    mask = np.zeros((224, 224), np.bool_)
    mask[rows, columns] = True
    return mask


def frame(
    state: str = "TARGET",
    hit: Hit | None = None,
    *,
    step: int = 0,
    score: float | None = 0.9,
    left: int = 1,
    in_view: int = 1,
    objects: tuple[ObjectRecord, ...] | None = None,
    found: int | None = None,
    seconds: float = 0.02,
) -> FrameRecord:
    """A frame of ten objects in view; a target is hit unless told otherwise."""
    hit = hit or (Hit.ODD if state == "TARGET" else Hit.NOTHING)
    iou = 0.8 if hit in (Hit.ODD, Hit.ORDINARY) else None
    return FrameRecord(step, state, score, hit, iou, left, in_view, 10, found, objects, seconds)


def job(
    *frames: FrameRecord, scene: str = "random", seed: int = 0, mode: str = "outlier", removals: int = 3
) -> JobRecord:
    """A job of these frames."""
    return JobRecord(JobPlan(scene, seed, mode, removals, "0123456789ab", "fedcba987654"), frames)
