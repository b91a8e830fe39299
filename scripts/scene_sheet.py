#!/usr/bin/env python3
"""Draw the scenes of goods as the camera sees them, one row per scene: docs/images/scenes.png.

source scripts/bootstrap.sh simulation
python scripts/scene_sheet.py                                            # all scenes of goods
python scripts/scene_sheet.py --scenes printed shape --seeds 0 1 2 3 --mark --output sheet.png
"""

from __future__ import annotations

import argparse
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.labels import capture_labeled
from impurity_grasp_ros.simulation.scene_config import load_scene, scene_names

CROP_PX, TILE_PX = (400, 300), (224, 168)
"""Width and height of one view in the camera's image, and on the sheet."""

LEVELS = 8
"""Step between two brightness levels of the sheet: a coarse one makes a small file."""

SIGN_PX = 22
MARK_COLOR = (220, 30, 220)
TRAINING_SEED = 1_000_000
"""First seed of the scenes whose name starts with ``training``."""

Picture = NDArray[np.uint8]


def main() -> None:
    """Render all views and write the sheet."""
    goods = [name for name in scene_names() if load_scene(name)[0].goods.family]
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scenes", nargs="+", default=goods, choices=scene_names(), metavar="NAME")
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2, 3], help="added to 1000000 for training")
    parser.add_argument("--mark", action="store_true", help="outline the targets")
    parser.add_argument("--output", type=Path, default=Path("docs/images/scenes.png"))
    options = parser.parse_args()
    environment = Environment()
    rows = []
    for name in options.scenes:
        first = TRAINING_SEED if name.startswith("training") else 0
        tiles = [view(environment, name, first + seed, mark=options.mark) for seed in options.seeds]
        rows += [sign(name, TILE_PX[0] * len(tiles)), np.hstack(tiles)]
    environment.close()
    sheet = np.vstack(rows) // LEVELS * LEVELS + LEVELS // 2
    _, data = cv2.imencode(".png", sheet[:, :, ::-1], [cv2.IMWRITE_PNG_COMPRESSION, 9])
    write_atomically(options.output, data.tobytes())


def view(environment: Environment, name: str, seed: int, *, mark: bool) -> Picture:
    """What the camera sees of the objects of a scene."""
    labeled = capture_labeled(environment.camera, environment.reset(seed, name))
    picture = labeled.frame.color.copy()
    if mark:
        outlines, _ = cv2.findContours(labeled.targets.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
        cv2.drawContours(picture, outlines, -1, MARK_COLOR, 1)
    places = np.argwhere(labeled.bodies >= 0)
    middle = (places.min(axis=0) + places.max(axis=0)) // 2
    width, height = CROP_PX
    limits = picture.shape[0] - height, picture.shape[1] - width
    top, left = np.clip(middle - (height // 2, width // 2), 0, limits)
    crop = picture[top : top + height, left : left + width]
    return cv2.resize(crop, TILE_PX, interpolation=cv2.INTER_AREA).astype(np.uint8)


def sign(text: str, width: int) -> Picture:
    """A white strip with a name."""
    strip = np.full((SIGN_PX, width, 3), 255, np.uint8)
    cv2.putText(strip, text, (6, SIGN_PX - 6), cv2.FONT_HERSHEY_SIMPLEX, 0.5, (20, 20, 20), 1, cv2.LINE_AA)
    return strip


if __name__ == "__main__":
    main()
