"""Recorded grasps of a drawn block."""

from dataclasses import replace

import numpy as np
from drawn_transitions import WORKSPACE
from grippers import GRIPPER

from impurity_grasp_ros.datatypes import Heightmap, PrimitiveKind
from impurity_grasp_ros.learning.rectangle_config import (
    RectangleTrainingConfig,
    load_rectangle_training,
)
from impurity_grasp_ros.learning.rectangle_records import (
    Record,
    record_of,
)
from impurity_grasp_ros.learning.transition import ExecutedAction, Focus, Snapshot, Transition
from impurity_grasp_ros.policy.rectangles import Rectangle, RectangleNetworkConfig

SHIPPED = load_rectangle_training("s_rgm")
LENGTH, WIDTH = 30, 12
"""Columns and rows of the drawn block: 60 x 24 mm."""

QUARTER_TURN = 4
"""The rotation that closes across the block's length."""


def fast(**changes: object) -> RectangleTrainingConfig:
    """The shipped training with a tiny network and without noise."""
    network = RectangleNetworkConfig((8, 8, 16, 16), 64, 2)
    quiet = {"color_mix": 0.0, "height_noise": 0.0, "hole_share": 0.0, "learning_rate": 0.004, "batch": 10}
    return replace(SHIPPED, network=network, **{**quiet, **changes})


def long_block(row: int = 50, column: int = 41) -> Focus:
    """A crop with a block whose length runs along the columns, from a cell on."""
    mask = np.zeros((112, 112), np.bool_)
    mask[row : row + WIDTH, column : column + LENGTH] = True
    color = np.where(mask[..., None], np.array([200, 30, 60]), 230).astype(np.uint8)
    height = np.where(mask, np.float32(0.04), np.float32(0.0))
    crop = Heightmap(color, height, np.ones((112, 112), np.bool_), WORKSPACE.window(56, 56, 112))
    return Focus(crop, mask, True)


def held(
    focus: Focus | None = None,
    rotation: int = QUARTER_TURN,
    kind: PrimitiveKind = PrimitiveKind.GRASP,
    reward: float = 1.0,
    beside: float = 0.0,
) -> Transition:
    """An action at the middle of the drawn block, or ``beside`` it by so many rows."""
    focus = focus or long_block()
    rows, columns = np.nonzero(focus.mask)
    action = ExecutedAction(kind, rotation, float(rows.mean()) + beside, float(columns.mean()))
    return Transition(Snapshot.of(focus), action, reward, None, 0.0, 0)


def records(count: int) -> list[Record]:
    """Grasps of blocks in random places."""
    rng = np.random.default_rng(3)
    found = [record_of(held(long_block(*rng.integers(30, 60, 2))), GRIPPER, SHIPPED.decoding) for _ in range(count)]
    return [record for record in found if record is not None]


def middle_record() -> Record:
    """A grasp in the very middle of the crop."""
    (record,) = records(1)
    return replace(record, rectangle=Rectangle(55.5, 55.5, 0.0, 0.05, 0.04))
