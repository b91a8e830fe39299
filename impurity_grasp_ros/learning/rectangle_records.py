"""Training data for grasp rectangles: records of grasps that held in another training, and their augmentation."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import CROP_SIZE_PX, ROTATION_STEP
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.learning.augmentation import noisy, view_with
from impurity_grasp_ros.learning.rectangle_config import RectangleTrainingConfig
from impurity_grasp_ros.learning.trainer import CHECKPOINT, read_checkpoint
from impurity_grasp_ros.learning.transition import Snapshot, Transition
from impurity_grasp_ros.policy.decoding import DecodingConfig, decode_grasps
from impurity_grasp_ros.policy.observation import CROP_MIDDLE, VIEW_SIZE_PX, encode, render
from impurity_grasp_ros.policy.rectangles import Rectangle
from impurity_grasp_ros.policy.rotation import View

RUN = 10
"""Number of consecutive records that are held out together: neighboring records show the same scene."""


@dataclass(frozen=True, eq=False)
class Record:
    """What was seen, and the rectangle of the grasp that held there."""

    state: Snapshot
    rectangle: Rectangle


def read_records(folder: Path, gripper: GripperModel, decoding: DecodingConfig) -> list[Record]:
    """Read the grasps that held from the checkpoint of a training.

    Args:
        folder: Folder of the training.
        gripper: The gripper.
        decoding: Geometry of the grasps.

    Raises:
        CheckpointError: The folder has no valid checkpoint.
        ConfigError: None of its grasps held.
    """
    transitions = read_checkpoint(folder / CHECKPOINT)["replay"]["transitions"]
    records = [record for item in transitions if (record := record_of(item, gripper, decoding)) is not None]
    if not records:
        raise ConfigError(f"{folder}: expected records with grasps that held, found none in {len(transitions)}")
    return records


def record_of(transition: Transition, gripper: GripperModel, decoding: DecodingConfig) -> Record | None:
    """The record of a grasp that held; None for any other transition.

    A transition stores only the position and rotation of a grasp. Its opening and jaw height are computed again from
    the target's outline, as they were when it was executed. A grasp is left out if its position is not on the target,
    because it shows no rectangle of that target.

    Args:
        transition: Any transition.
        gripper: The gripper.
        decoding: Geometry of the grasps.
    """
    action = transition.action
    if action.kind is not PrimitiveKind.GRASP or transition.reward <= 0.0:
        return None
    focus = transition.state.unpack()
    angle, middle = action.rotation * ROTATION_STEP, VIEW_SIZE_PX // 2
    view = view_with(action.row, action.column, angle, middle, middle, VIEW_SIZE_PX)
    mask = view.render(focus.mask.astype(np.uint8)) > 0
    resolution = focus.crop.grid.resolution
    grasps = decode_grasps(view.render(focus.crop.height), mask, resolution, gripper, decoding)
    if not grasps.feasible[middle, middle]:
        return None
    opening = float(grasps.opening[middle, middle])
    reach = round(opening / 2 / resolution)
    across = mask[:, middle - reach : middle + reach + 1].any(axis=1)
    height = float(across.sum()) * resolution
    return Record(transition.state, Rectangle(action.row, action.column, angle, opening, height))


def split_records(
    records: Sequence[Record], held_out: float, rng: np.random.Generator
) -> tuple[list[Record], list[Record]]:
    """Split records into training data and validation data, in runs of ``RUN`` consecutive records.

    Args:
        records: Records in the order in which they were made.
        held_out: Fraction of the runs that become validation data.
        rng: Chooses these runs.

    Returns:
        Training records and validation records, each in the given order.
    """
    runs = rng.permutation(math.ceil(len(records) / RUN))
    apart = set(runs[: int(held_out * len(runs))].tolist())
    learned = [record for place, record in enumerate(records) if place // RUN not in apart]
    return learned, [record for place, record in enumerate(records) if place // RUN in apart]


def training_view(
    record: Record, config: RectangleTrainingConfig, rng: np.random.Generator
) -> tuple[NDArray[np.float32], Rectangle]:
    """A random view of a record: turned by any angle, shifted, mirrored half of the time, recolored and with noise.

    Args:
        record: The record.
        config: Limits of the augmentation.
        rng: Source of all random choices.

    Returns:
        The state (8, 112, 112) float32, the input of the network, and the rectangle on its pixels.
    """
    focus = record.state.unpack()
    crop = noisy(focus.crop, config.color_mix, config.height_noise, config.hole_share, rng)
    row, column = CROP_MIDDLE + rng.uniform(-config.shift_px, config.shift_px, 2)
    view = View(float(row), float(column), rng.uniform(-math.pi, math.pi), CROP_SIZE_PX)
    image, rectangle = render(encode(crop, focus.mask), view), seen_in(view, record.rectangle)
    if rng.random() < 0.5:
        image, rectangle = image[:, ::-1], mirrored(rectangle)
    return np.ascontiguousarray(image), rectangle


def seen_in(view: View, rectangle: Rectangle) -> Rectangle:
    """Transform a rectangle from the cells of the crop to the pixels of a view."""
    middle = (view.size - 1) / 2
    back = View(middle, middle, -view.angle, view.size)
    row, column = back.to_cell(rectangle.row - view.row + middle, rectangle.column - view.column + middle)
    return Rectangle(row, column, rectangle.angle - view.angle, rectangle.opening, rectangle.height)


def mirrored(rectangle: Rectangle) -> Rectangle:
    """The rectangle on a crop whose rows are reversed."""
    row = CROP_SIZE_PX - 1 - rectangle.row
    return Rectangle(row, rectangle.column, -rectangle.angle, rectangle.opening, rectangle.height)
