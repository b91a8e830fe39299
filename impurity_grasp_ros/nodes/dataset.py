"""Recorded jobs as a data set without ROS: a line of JSON for each decision, and its pictures as PNG files."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attention, Heightmap
from impurity_grasp_ros.errors import RecordingError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.nodes.recorded_job import RecordedJob, Step
from impurity_grasp_ros.overlay import to_png
from impurity_grasp_ros.plain import plain

LINES = "decisions.jsonl"
IMAGES = "images"

ATTENTION = ("state", "center", "score", "hidden")
"""What lines tell of attention."""

HEIGHT_UNIT = 1e-4
"""Meters of one step of a height picture, of 16 bits."""

ZERO = 1000
"""Value of a height of 0: heights below the table are possible."""


def export_jobs(jobs: dict[str, RecordedJob], folder: Path) -> int:
    """Write a data set.

    Args:
        jobs: The jobs by name.
        folder: Where it is written; must not hold a data set.

    Returns:
        Number of decisions.

    Raises:
        RecordingError: The folder holds a data set.
        OSError: The folder cannot be written.
    """
    file = folder / LINES
    if file.exists():
        raise RecordingError(f"expected a folder without a data set, found {file}")
    lines = [json.dumps(line) for name, job in jobs.items() for line in _decisions(name, job, folder)]
    write_atomically(file, ("\n".join(lines) + "\n").encode())
    return len(lines)


def _decisions(name: str, job: RecordedJob, folder: Path) -> Iterator[dict[str, Any]]:
    """Write the pictures of a job, and return what its lines tell."""
    for index, step in enumerate(job.steps, start=1):
        pictures = {}
        for what, pixels in _pictures(step).items():
            pictures[what] = f"{IMAGES}/{name}_{index:02d}_{what}.png"
            write_atomically(folder / pictures[what], to_png(pixels))
        yield {
            "job": name,
            "index": index,
            "stamp": step.heightmap.stamp,
            "grid": _grid(step.heightmap),
            "images": pictures,
            "attention": {
                name: plain(getattr(step.attention, name)) for name in ("state", "center", "score", "hidden")
            },
            "primitive": plain(step.primitive),
            "outcome": plain(step.attempt.outcome) if step.attempt else None,
        }


def _pictures(step: Step) -> dict[str, NDArray[Any]]:
    heightmap, attention = step.heightmap, step.attention
    height = np.clip(np.round(heightmap.height / HEIGHT_UNIT) + ZERO, 0, np.iinfo(np.uint16).max).astype(np.uint16)
    return {
        "color": heightmap.color,
        "height": height,
        "valid": heightmap.valid.astype(np.uint8) * 255,
        "mask": _mask(heightmap, attention),
    }


def _mask(heightmap: Heightmap, attention: Attention) -> NDArray[np.uint8]:
    """The cells of the target or the candidate on the whole heightmap: 255."""
    x, y = attention.crop.grid.to_meters(0, 0)
    row, column = (round(value) for value in heightmap.grid.to_cell(x, y))
    cells = np.argwhere(attention.mask) + np.array([row, column])
    inside = ((cells >= 0) & (cells < heightmap.valid.shape)).all(axis=1)
    mask = np.zeros(heightmap.valid.shape, np.uint8)
    mask[tuple(cells[inside].T)] = 255
    return mask


def _grid(heightmap: Heightmap) -> dict[str, float]:
    grid = heightmap.grid
    return {"x_min": grid.x_min, "y_min": grid.y_min, "resolution": grid.resolution}
