"""Frames with labels, for training perception: which body, which kind of object and which targets a pixel shows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.simulation.camera import SimulatedCamera
from impurity_grasp_ros.simulation.scenes import Scene


@dataclass(frozen=True, eq=False)
class LabeledFrame:
    """A frame and what its pixels show. Noise does not affect the labels.

    Attributes:
        frame: The frame as the camera delivers it.
        bodies: (H, W) int32, the object; -1 for table, bin, robot and nothing at all.
        kinds: (H, W) int32, the kind of object as an index into ``kind_names``; -1 as in ``bodies``.
        targets: (H, W) bool, whether it is a target.
        kind_names: Names of the kinds of objects in the scene, sorted. They mean something in this scene alone.
    """

    frame: RgbdFrame
    bodies: NDArray[np.int32]
    kinds: NDArray[np.int32]
    targets: NDArray[np.bool_]
    kind_names: tuple[str, ...]


def capture_labeled(camera: SimulatedCamera, scene: Scene) -> LabeledFrame:
    """Capture one frame of a scene with its labels.

    Args:
        camera: The camera of the environment that holds the scene.
        scene: What the environment's ``reset`` returned; objects that have been removed since do no harm.
    """
    frame, shown = camera.capture_with_bodies()
    names = tuple(sorted({block.kind for block in scene.blocks.values()}))
    size = 1 + max([int(shown.max()), *scene.blocks])
    kind_of, is_target = np.full(size, -1, np.int32), np.zeros(size, np.bool_)
    for body, block in scene.blocks.items():
        kind_of[body], is_target[body] = names.index(block.kind), block.target
    kinds = np.where(shown >= 0, kind_of[shown], -1).astype(np.int32)
    bodies = np.where(kinds >= 0, shown, -1).astype(np.int32)
    return LabeledFrame(frame, bodies, kinds, (bodies >= 0) & is_target[bodies], names)
