#!/usr/bin/env python3
"""Make an animation of one job in simulation: the cell on the left, the robot's view and its decision on the right.

Started by scripts/animation.sh. The same options give the same file on the same machine.
"""

from __future__ import annotations

import argparse
import io
import sys
from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np
import pybullet
from numpy.typing import NDArray
from PIL import Image, ImageDraw, ImageFont

from impurity_grasp_ros.datatypes import Attempt, AttentionState, Grid, PrimitiveKind
from impurity_grasp_ros.errors import ImpurityGraspError
from impurity_grasp_ros.evaluation.policies import make_policy
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.motion.supervision import Supervision
from impurity_grasp_ros.overlay import (
    CANDIDATE_COLOR,
    GRASP_COLOR,
    PUSH_COLOR,
    SCALE,
    TARGET_COLOR,
    Picture,
    draw_attention,
    draw_primitive,
)
from impurity_grasp_ros.pipeline import Decision
from impurity_grasp_ros.simulation.camera import LIGHT_DIRECTION
from impurity_grasp_ros.simulation.environment import Environment

EYE, LOOK_AT, FIELD_OF_VIEW_DEG = (1.08, -0.21, 0.54), (0.36, -0.195, 0.065), 42.0
"""The camera beside the cell: meters in the base frame, and degrees from top to bottom."""

CELL_SIZE, VIEW_SIZE, BAR_HEIGHT, GAP = (392, 320), 240, 36, 8
"""Pixels: the picture of the cell (width, height), the robot's view (square), the bar above both, the gap between."""

VIEW_WIDTH = 0.30
"""Meters of the workspace's middle that the robot's view shows."""

FRAME_MS, DECISION_MS, END_MS = 50, 1000, 2000
SPEED = {"push": 1.2, "close": 1.2, "descend": 2.0, "lift": 2.0, "carry": 3.0, "release": 1.2}
"""How many times faster than simulated the phases are shown."""
OTHER_SPEED = 5.0

MIN_SHARE_PX = 12
"""Rows of the sample for the palette that a color of the drawings gets."""

WHITE, BLACK, GRAY = (255, 255, 255), (20, 20, 20), (110, 110, 110)


class Film:
    """Collects frames: of decisions, and of what the arm does about them.

    Args:
        environment: The simulation after its reset.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._speed = OTHER_SPEED
        self._title, self._phase = "", ""
        self._view = Image.new("RGB", (VIEW_SIZE, VIEW_SIZE), WHITE)
        self._legend: list[tuple[str, tuple[int, int, int]]] = []
        self._last = environment.world.time
        self.frames: list[Image.Image] = []
        self.durations: list[int] = []
        environment.world.after_step(self._on_step)

    def decided(self, number: int, decision: Decision) -> None:
        """Show a decision for a while."""
        self._title, self._legend = _words(number, decision)
        self._phase = ""
        picture = draw_attention(decision.heightmap, decision.attention)
        if decision.primitive is not None:
            gripper = self._environment.cell.gripper_model
            picture = draw_primitive(decision.heightmap, decision.primitive, gripper, picture)
        self._view = _robot_view(picture, decision.heightmap.grid)
        self._shoot(END_MS if decision.primitive is None else DECISION_MS)

    def on_phase(self, phase: str) -> None:
        """Show what follows as a phase of the motion."""
        self._phase, self._speed = phase if phase not in self._title else "", SPEED.get(phase, OTHER_SPEED)

    def _on_step(self) -> None:
        if self._environment.world.time - self._last >= self._speed * FRAME_MS / 1000:
            self._shoot(FRAME_MS)

    def _shoot(self, duration: int) -> None:
        self._last = self._environment.world.time
        self.frames.append(self._compose())
        self.durations.append(duration)

    def _compose(self) -> Image.Image:
        frame = Image.new("RGB", (CELL_SIZE[0] + GAP + VIEW_SIZE, BAR_HEIGHT + CELL_SIZE[1]), WHITE)
        frame.paste(_photograph(self._environment), (0, BAR_HEIGHT))
        left, top = CELL_SIZE[0] + GAP, BAR_HEIGHT
        frame.paste(self._view, (left, top))
        draw = ImageDraw.Draw(frame)
        large, small = ImageFont.load_default(18), ImageFont.load_default(13)
        draw.text((6, 8), self._title, BLACK, large)
        draw.text((14 + draw.textlength(self._title, large), 12), self._phase, GRAY, small)
        tally = self._environment.tally()
        draw.text((frame.width - 6, 8), f"in the bin: {tally.targets_in_bin} of {tally.targets}", BLACK, large, "ra")
        draw.text((left, top + VIEW_SIZE + 4), "what the robot sees, from above", GRAY, small)
        for row, (words, color) in enumerate(self._legend):
            y = top + VIEW_SIZE + 24 + 19 * row
            draw.rectangle((left, y + 3, left + 12, y + 13), color)
            draw.text((left + 20, y), words, BLACK, small)
        return frame


def _words(number: int, decision: Decision) -> tuple[str, list[tuple[str, tuple[int, int, int]]]]:
    """Title and legend of a decision."""
    if decision.primitive is None:
        return f"Nothing odd is left: done after {number - 1} actions", []
    target = decision.attention.state is AttentionState.TARGET
    legend = [("target: it looks odd", TARGET_COLOR) if target else ("heap: may hide a target", CANDIDATE_COLOR)]
    if decision.primitive.kind is PrimitiveKind.PUSH:
        return f"Action {number}: push", [*legend, ("planned push", PUSH_COLOR)]
    if decision.primitive.kind is PrimitiveKind.MOVE:
        return f"Action {number}: put aside", [*legend, ("planned move of an ordinary object", GRASP_COLOR)]
    return f"Action {number}: grasp", [*legend, ("planned grasp: the two fingers", GRASP_COLOR)]


def _robot_view(picture: Picture, grid: Grid) -> Image.Image:
    """The middle of a picture of the heightmap, turned so that left and right are those of the camera beside it."""
    size = round(VIEW_WIDTH / grid.resolution) * SCALE
    start = (len(picture) - size) // 2
    middle = np.rot90(picture[start : start + size, start : start + size], -1)
    return Image.fromarray(np.asarray(cv2.resize(middle, (VIEW_SIZE, VIEW_SIZE), interpolation=cv2.INTER_AREA)))


def _photograph(environment: Environment) -> Image.Image:
    """The cell with shadows, rendered at twice the size to smooth edges."""
    bullet, (width, height) = environment.world.bullet, CELL_SIZE
    _, _, rgba, _, _ = bullet.getCameraImage(
        2 * width,
        2 * height,
        bullet.computeViewMatrix(EYE, LOOK_AT, (0.0, 0.0, 1.0)),
        bullet.computeProjectionMatrixFOV(FIELD_OF_VIEW_DEG, width / height, 0.2, 2.6),
        lightDirection=LIGHT_DIRECTION,
        lightDistance=3.0,
        shadow=1,
        flags=pybullet.ER_NO_SEGMENTATION_MASK,
        renderer=pybullet.ER_TINY_RENDERER,
    )
    pixels: NDArray[np.uint8] = np.asarray(rgba, np.uint8).reshape(2 * height, 2 * width, 4)[..., :3]
    return Image.fromarray(np.asarray(cv2.resize(pixels, CELL_SIZE, interpolation=cv2.INTER_AREA)))


def film_job(environment: Environment, max_actions: int) -> Film:
    """Let the default policy work on the scene until it is clear, or ``max_actions`` are used up."""
    film, policy, history = Film(environment), make_policy("ours", environment), list[Attempt]()
    policy.new_job()
    while True:
        decision = policy.decide(environment.observe(), history)
        film.decided(len(history) + 1, decision)
        if decision.primitive is None or len(history) == max_actions:
            return film
        outcome = environment.step(decision.primitive, Supervision(on_phase=film.on_phase))
        history.append(Attempt(decision.primitive, outcome))
        print(f"{len(history)}. {decision.primitive.kind.name.lower()}: {outcome.status.name}", flush=True)


def to_gif(frames: Sequence[Image.Image], durations: Sequence[int]) -> bytes:
    """An endless animation; one palette for all frames, so that a pixel that stays the same costs nothing."""
    palette = _palette(frames[:: max(1, len(frames) // 6)])
    first, *others = [frame.quantize(palette=palette, dither=Image.Dither.NONE) for frame in frames]
    file = io.BytesIO()
    first.save(file, "GIF", save_all=True, append_images=others, duration=list(durations), loop=0, disposal=1)
    return file.getvalue()


def _palette(frames: Sequence[Image.Image]) -> Image.Image:
    """An image with the palette of some frames, in which the colors of the drawings do not get lost."""
    width, height = frames[0].size
    drawn = (TARGET_COLOR, CANDIDATE_COLOR, GRASP_COLOR, PUSH_COLOR)
    sample = Image.new("RGB", (width, len(frames) * height + len(drawn) * MIN_SHARE_PX))
    for index, frame in enumerate(frames):
        sample.paste(frame, (0, index * height))
    for index, color in enumerate(drawn):
        top = len(frames) * height + index * MIN_SHARE_PX
        sample.paste(color, (0, top, width, top + MIN_SHARE_PX))
    return sample.quantize(256, dither=Image.Dither.NONE)


def main() -> int:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--scene", default="challenging", help="name of a shipped scene, or a path that ends in .yaml")
    parser.add_argument("--seed", type=int, default=23)
    parser.add_argument("--max-actions", type=int, default=30, help="stop after so many")
    parser.add_argument("--output", type=Path, default=Path("docs/images/job.gif"))
    arguments = parser.parse_args()
    environment = Environment(fast_forward=False)
    try:
        environment.reset(arguments.seed, arguments.scene)
        film = film_job(environment, arguments.max_actions)
    except ImpurityGraspError as error:
        print(f"{error.code.name}: {error}", file=sys.stderr)
        return 2
    gif = to_gif(film.frames, film.durations)
    write_atomically(arguments.output, gif)
    seconds = sum(film.durations) / 1000
    print(f"{arguments.output}: {len(film.frames)} frames, {seconds:.1f} s, {len(gif) / 1e6:.2f} MB")
    return 0


if __name__ == "__main__":
    sys.exit(main())
