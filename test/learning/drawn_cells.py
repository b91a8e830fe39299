"""A cell without physics: blocks are drawn, and a function says what each primitive does to them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
import torch
from drawn_transitions import WORKSPACE
from numpy.typing import NDArray
from torch import Tensor, nn

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import (
    CameraIntrinsics,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
    RgbdFrame,
)
from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.learning.transition import Focus, Snapshot
from impurity_grasp_ros.policy.agent import Situation, situation_of
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig

T = TypeVar("T")

CAMERA_HEIGHT = 100.0
"""Meters over the table: so far that blocks are seen straight from above, a pixel a cell."""

BIN = (0.36, -0.44)
"""Middle of the drop bin in meters."""


@dataclass(frozen=True)
class Block:
    """A cuboid along the axes. x, y: its center; length, width, height: its size along x, y and z; bottom: meters."""

    x: float
    y: float
    length: float = 0.048
    width: float = 0.036
    height: float = 0.035
    bottom: float = 0.0

    @property
    def cells(self) -> NDArray[np.bool_]:
        """The cells (224, 224) whose centers it covers."""
        x, y = WORKSPACE.to_meters(*np.indices((224, 224)))
        return (np.abs(x - self.x) <= self.length / 2) & (np.abs(y - self.y) <= self.width / 2)

    def at(self, x: float, y: float) -> Block:
        """The same block on the table somewhere else."""
        return replace(self, x=x, y=y, bottom=0.0)


Scene = dict[int, Block]
"""Blocks by body."""


class DrawnWorld:
    """The bodies that are there."""

    def __init__(self, blocks: Scene) -> None:
        self.blocks = dict(blocks)

    @property
    def bodies(self) -> tuple[int, ...]:
        """All of them."""
        return tuple(self.blocks)

    def position(self, body: int) -> NDArray[np.float64]:
        """Center of a body in meters."""
        block = self.blocks[body]
        return np.array([block.x, block.y, block.bottom + block.height / 2])

    def remove_body(self, body: int) -> None:
        """Take a body out of the world."""
        del self.blocks[body]

    def move(self, body: int, x: float, y: float) -> None:
        """Put a body somewhere else."""
        self.blocks[body] = self.blocks[body].at(x, y)

    def nearest(self, primitive: Primitive) -> int:
        """The body whose center is nearest to a primitive's position."""
        place = primitive.position[:2]
        return min(self.blocks, key=lambda body: float(np.linalg.norm(self.position(body)[:2] - place)))

    def drop(self, body: int) -> None:
        """Put a body into the drop bin."""
        self.move(body, *BIN)


class DrawnCamera:
    """A camera straight over the middle of the workspace, whose image shows it from edge to edge."""

    def __init__(self, world: DrawnWorld) -> None:
        self._world = world

    def capture_with_bodies(self) -> tuple[RgbdFrame, NDArray[np.int32]]:
        """One frame and the body that each pixel shows, -1 for none."""
        height, bodies = np.zeros((224, 224)), np.full((224, 224), -1, np.int32)
        for body, block in self._world.blocks.items():
            shown = block.cells & (block.bottom + block.height > height)
            height[shown], bodies[shown] = block.bottom + block.height, body
        color = np.where(bodies[..., None] < 0, 230, 40 + 10 * bodies[..., None]).repeat(3, axis=2).astype(np.uint8)
        pose = np.diag([1.0, -1.0, -1.0, 1.0])
        pose[:3, 3] = 0.5, 0.0, CAMERA_HEIGHT
        focal = CAMERA_HEIGHT / 0.002
        depth = (CAMERA_HEIGHT - height).astype(np.float32)
        intrinsics = CameraIntrinsics(224, 224, focal, focal, 111.5, 111.5)
        upright = slice(None, None, -1)  # an image's rows run against y
        return RgbdFrame(color[upright].copy(), depth[upright].copy(), intrinsics, pose, 1.0), bodies[upright].copy()


Effect = Callable[[DrawnWorld, Primitive], OutcomeStatus]
"""What a primitive does to the world, and how it ends."""


def nothing_happens(world: DrawnWorld, primitive: Primitive) -> OutcomeStatus:
    """No primitive moves anything."""
    return OutcomeStatus.EMPTY


class DrawnCell:
    """What play needs of an environment. scenes: one after the other, the last one again and again; None for one that
    does not settle. ``resets`` and ``steps`` tell what was asked for, ``scene_of_step`` in which scene, from 1 on.
    """

    def __init__(self, scenes: Sequence[Scene | None], effect: Effect = nothing_happens) -> None:
        self.cell = load_cell()
        self.world = DrawnWorld({})
        self.camera = DrawnCamera(self.world)
        self.resets: list[tuple[int, str]] = []
        self.steps: list[Primitive] = []
        self.scene_of_step: list[int] = []
        self.pad_frictions: list[float] = []
        self._scenes = list(scenes)
        self._effect = effect

    def reset(self, seed: int, scene: str) -> None:
        """The next scene."""
        blocks = self._scenes[min(len(self.resets), len(self._scenes) - 1)]
        self.resets.append((seed, scene))
        if blocks is None:
            raise SceneNotSettledError("blocks roll")
        self.world.blocks = dict(blocks)

    def set_pad_friction(self, friction: float) -> None:
        """Have no effect."""
        self.pad_frictions.append(friction)

    def step(self, primitive: Primitive) -> Outcome:
        """Let a primitive have its effect."""
        self.steps.append(primitive)
        self.scene_of_step.append(len(self.resets))
        return Outcome(self._effect(self.world, primitive), 0.0, 1.0)

    def rehearse(self, function: Callable[[], T]) -> T:
        """Call a function, and put everything back as it was."""
        blocks, steps, scenes = dict(self.world.blocks), list(self.steps), list(self.scene_of_step)
        result = function()
        self.world.blocks, self.steps, self.scene_of_step = blocks, steps, scenes
        return result

    def is_in_bin(self, body: int) -> bool:
        """Whether a body lies in the drop bin."""
        x, y, _ = self.world.position(body)
        return self.cell.drop_bin.contains(float(x), float(y))


KEPT = 16
"""Situations that are remembered; each takes some ten megabytes."""

_SITUATIONS: dict[tuple[Snapshot, Grid, GripperModel, DecodingConfig, CostConfig], Situation] = {}


def remembered_situation_of(
    crop: Heightmap,
    mask: NDArray[np.bool_],
    on_target: bool,
    workspace: Grid,
    gripper: GripperModel,
    config: DecodingConfig,
    costs: CostConfig,
) -> Situation:
    """What ``situation_of`` returns, computed once for equal arguments: heights are those of a snapshot."""
    key = Snapshot.of(Focus(crop, mask, on_target)), workspace, gripper, config, costs
    situation = _SITUATIONS.pop(key, None) or situation_of(crop, mask, on_target, workspace, gripper, config, costs)
    _SITUATIONS[key] = situation  # the last one now
    if len(_SITUATIONS) > KEPT:
        del _SITUATIONS[next(iter(_SITUATIONS))]
    return situation


class LevelNetwork(nn.Module):
    """The same value for every grasp, and the same for every push."""

    def __init__(self, grasp: float, push: float) -> None:
        super().__init__()
        self.levels = nn.Parameter(torch.tensor([grasp, push]))

    def forward(self, views: Tensor) -> Tensor:
        """Values (B, 2, S, S)."""
        return self.levels[:, None, None].expand(len(views), -1, views.shape[2], views.shape[3])


def shows(mask: NDArray[np.bool_], grid: Grid, block: Block) -> bool:
    """Whether a mask (112, 112) on a crop's grid is that of a block which nothing covers."""
    row, column = (round(value) for value in WORKSPACE.to_cell(*grid.to_meters(0, 0)))
    whole = np.zeros((224 + 2 * 112, 224 + 2 * 112), np.bool_)
    whole[112:336, 112:336] = block.cells
    return np.array_equal(mask, whole[112 + row : 224 + row, 112 + column : 224 + column])
