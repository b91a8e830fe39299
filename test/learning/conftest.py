"""Small networks are fastest on one thread; the checkpoint of a training, for all tests."""

from pathlib import Path

import pytest
import torch
from drawn_rectangles import held

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.learning.trainer import CHECKPOINT

torch.set_num_threads(1)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    """A training's folder with two grasps that held among other transitions."""
    transitions = [held(), held(reward=0.0), held(kind=PrimitiveKind.PUSH, reward=0.5), held()]
    torch.save({"replay": {"transitions": transitions}}, tmp_path / CHECKPOINT)
    return tmp_path
