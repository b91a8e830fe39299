"""Attention over the views of a job, judged against what the renderer knows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attention, AttentionState, Grid
from impurity_grasp_ros.errors import InvalidFrameError, ViewIncompleteError
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit, ObjectRecord
from impurity_grasp_ros.evaluation.removals import View
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.seen_objects import SeenObject, seen_objects

MATCH_IOU = 0.5
"""Least intersection over union at which an object of a mode is one in the scene."""


@dataclass(frozen=True, eq=False)
class Judged:
    """A view, what a mode of attention made of it, and the verdict.

    Attributes:
        mode: Mode of attention.
        view: What was seen, with the ground truth.
        attention: What was found; None if the view was refused.
        record: The verdict.
    """

    mode: str
    view: View
    attention: Attention | None
    record: FrameRecord


@dataclass
class Observer:
    """A mode of attention during one job.

    Attributes:
        mode: Its name.
    """

    mode: str
    _memory: Any = None
    _config: AttentionConfig = field(init=False)

    def __post_init__(self) -> None:
        """Load the shipped configuration; raises ConfigError if there is no such mode."""
        self._config = replace(packaged_parameters("attention_node", AttentionConfig), mode=self.mode)

    def look(self, view: View) -> Judged:
        """Attend to the next view of the job.

        Args:
            view: The view.

        Returns:
            The attention and its verdict. A view that the mode refuses leaves its memory as it was.

        Raises:
            ConfigError: The mode offers objects that are not valid.
        """
        start = time.perf_counter()
        try:
            attention, self._memory = attend(view.heightmap, self._memory, self._config)
        except (InvalidFrameError, ViewIncompleteError) as error:
            return Judged(self.mode, view, None, judge(view, error.code.name, time.perf_counter() - start))
        seconds = time.perf_counter() - start
        record = judge(view, attention, seconds, seen_objects(self._memory, view.heightmap))
        return Judged(self.mode, view, attention, record)


def observe(
    views: Iterable[View], modes: Sequence[str], on_frame: Callable[[Judged], None] = lambda _: None
) -> dict[str, tuple[FrameRecord, ...]]:
    """Show the views of a job to modes of attention.

    Args:
        views: In their order.
        modes: Names of the modes, each of which has a memory of its own.
        on_frame: Called with every verdict.

    Returns:
        The verdicts by mode.

    Raises:
        ConfigError: There is no such mode, or it offers objects that are not valid.
    """
    observers = [Observer(mode) for mode in modes]
    records: dict[str, list[FrameRecord]] = {mode: [] for mode in modes}
    for view in views:
        for observer in observers:
            judged = observer.look(view)
            records[observer.mode].append(judged.record)
            on_frame(judged)
    return {mode: tuple(frames) for mode, frames in records.items()}


def judge(
    view: View, attention: Attention | str, seconds: float, objects: Sequence[SeenObject] | None = None
) -> FrameRecord:
    """Compare an attention with the truth.

    Args:
        view: What was seen, with the ground truth.
        attention: What was found, or the name of the error with which the view was refused.
        seconds: Time that it took.
        objects: The objects that the mode saw; None if it does not tell objects apart.

    Returns:
        The verdict.
    """
    hit, iou = Hit.NOTHING, None
    if isinstance(attention, Attention) and attention.state is AttentionState.TARGET:
        hit, iou = _hit(view, crop_mask(attention, view.heightmap.grid))
    in_view, odd_cells = view.in_view, view.target_cells
    return FrameRecord(
        step=view.step,
        state=attention.state.name if isinstance(attention, Attention) else attention,
        score=float(attention.score) if isinstance(attention, Attention) else None,
        hit=hit,
        iou=iou,
        targets_left=len(view.targets),
        targets_in_view=len(set(in_view) & set(view.targets)),
        objects_in_view=len(in_view),
        objects_found=None if objects is None else _found(view, in_view, objects),
        objects=None
        if objects is None
        else tuple(ObjectRecord(item.odd, bool(odd_cells[item.mask].mean() >= 0.5)) for item in objects),
        seconds=seconds,
    )


def crop_mask(attention: Attention, grid: Grid) -> NDArray[np.bool_]:
    """Lay the mask of an attention, which covers its crop, onto the whole heightmap, (R, C) bool."""
    first_row, first_column = (round(place) for place in grid.to_cell(*attention.crop.grid.to_meters(0, 0)))
    rows, columns = attention.mask.nonzero()
    rows, columns = rows + first_row, columns + first_column
    inside = (rows >= 0) & (rows < grid.rows) & (columns >= 0) & (columns < grid.columns)
    mask = np.zeros((grid.rows, grid.columns), np.bool_)
    mask[rows[inside], columns[inside]] = True
    return mask


def _hit(view: View, mask: NDArray[np.bool_]) -> tuple[Hit, float | None]:
    """What a mask lies on, and its intersection over union with the object that most of it lies on."""
    bodies, counts = np.unique(view.bodies[mask & (view.bodies >= 0)], return_counts=True)
    iou = _iou(mask, view.mask(int(bodies[counts.argmax()]))) if bodies.size else None
    odd, objects, cells = int(counts[np.isin(bodies, view.targets)].sum()), int(counts.sum()), int(mask.sum())
    if cells and odd >= cells / 2:
        return Hit.ODD, iou
    return (Hit.ORDINARY if objects - odd > cells - objects else Hit.TABLE), iou


def _found(view: View, in_view: Sequence[int], objects: Sequence[SeenObject]) -> int:
    """Number of objects in view that a seen object matches, each of which matches one at most."""
    overlaps = np.array([[_iou(view.mask(body), item.mask) for item in objects] for body in in_view])
    overlaps = overlaps.reshape(len(in_view), len(objects))
    pairs = linear_sum_assignment(overlaps, maximize=True)
    return int((overlaps[pairs] >= MATCH_IOU).sum())


def _iou(one: NDArray[np.bool_], other: NDArray[np.bool_]) -> float:
    return float((one & other).sum() / (one | other).sum())
