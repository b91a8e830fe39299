"""Procedural materials, and coats: what a material looks like on one body.

The renderer draws a coated body white, so that shading is the renderer's; :mod:`.painting` multiplies in the coat.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.patterns import PATTERNS, Floats, Place

Color = tuple[float, float, float]

SAMPLES, SAMPLED_EDGE = 6000, 0.08
"""Number of points at which the statistics of a pattern are taken, and the edge in meters of the cube they are in."""


@dataclass(frozen=True)
class Material:
    """What a kind of object is made of.

    Attributes:
        pattern: Name of a pattern, see :mod:`.patterns`.
        colors: One to three colors, RGB in 0..1; the pattern says where which of them is.
        scale: Size of the pattern's features, meters.
        contrast: Factor on the differences of the colors from their mean.
        brightness: Largest relative deviation of a piece's brightness.
        hue: Largest relative deviation of a piece's color channels.
        gloss: Strength of the reflection of the lamp, 0 for matt, 1 for white.
        variant: Which variant of the pattern it is, 0..1.
    """

    pattern: str
    colors: tuple[Color, ...]
    scale: float = 0.008
    contrast: float = 1.0
    brightness: float = 0.0
    hue: float = 0.0
    gloss: float = 0.0
    variant: float = 0.5

    def __post_init__(self) -> None:
        """Check the values."""
        if self.pattern not in PATTERNS:
            raise ConfigError(f"expected a pattern out of {', '.join(PATTERNS)}, received {self.pattern!r}")
        if not 1 <= len(self.colors) <= 3 or not self.scale > 0.0:
            raise ConfigError(f"expected 1 to 3 colors and a positive scale, received {self.colors} and {self.scale}")

    @property
    def color(self) -> Color:
        """Mean of the colors, RGB in 0..1."""
        r, g, b = np.mean(self.colors, axis=0)
        return float(r), float(g), float(b)

    def coat(self, half_size: Sequence[float], rng: np.random.Generator) -> Coat:
        """Draw the coat of one body.

        Args:
            half_size: (3,) half edges of the box around the body in its own frame, meters.
            rng: Source of the orientation and offset of the pattern and of the piece's deviations.
        """
        turn = Rotation.random(random_state=rng).as_matrix().astype(np.float32)
        gain = (1.0 + self.brightness * rng.uniform(-1.0, 1.0)) * (1.0 + self.hue * rng.uniform(-1.0, 1.0, 3))
        offset, swapped = rng.uniform(0.0, 64.0, 3).astype(np.float32), bool(rng.integers(2))
        ramp = np.array(self.colors, np.float32)
        ramp = np.clip((ramp.mean(axis=0) + self.contrast * (ramp - ramp.mean(axis=0))) * gain, 0.0, 1.0)
        return Coat(self, turn, offset, swapped, ramp.astype(np.float32), np.array(half_size, np.float32))


@dataclass(frozen=True, eq=False)
class Coat:
    """A material on one body.

    Attributes:
        material: The material.
        turn: (3, 3) orientation of the material in the body.
        offset: (3,) its offset, in units of the scale.
        swapped: Whether the two axes of prints are swapped.
        ramp: (k, 3) colors of this piece, RGB in 0..1.
        half_size: (3,) half edges of the box around the body, meters; prints are projected on its faces.
    """

    material: Material
    turn: Floats
    offset: Floats
    swapped: bool
    ramp: Floats
    half_size: Floats

    def albedo(self, points: NDArray[np.floating]) -> Floats:
        """Color (n, 3) in 0..1 of points (n, 3), meters in the body's frame."""
        where = PATTERNS[self.material.pattern](self._place(np.asarray(points, np.float32)), self.material.variant)
        last = len(self.ramp) - 1
        if last == 0:
            return np.broadcast_to(self.ramp[0], (len(where), 3))
        step = np.minimum(where * last, last - 1e-6)
        index = step.astype(np.int32)
        low = self.ramp[index]
        part = (step - index).astype(np.float32)
        return np.asarray(low + part[:, None] * (self.ramp[index + 1] - low))

    def _place(self, points: Floats) -> Place:
        scale = np.float32(self.material.scale)
        inside = points @ (self.turn / scale) + self.offset
        relative = points / self.half_size
        axis = np.abs(relative).argmax(axis=1)
        face = (2 * axis + (np.take_along_axis(relative, axis[:, None], 1)[:, 0] > 0.0)).astype(np.int32)
        first, second = ((axis + 2) % 3, (axis + 1) % 3) if self.swapped else ((axis + 1) % 3, (axis + 2) % 3)
        across = np.column_stack([np.take_along_axis(relative, a[:, None], 1)[:, 0] for a in (first, second)])
        edges = self.half_size / scale
        return Place(inside, across * np.column_stack([edges[first], edges[second]]) + self.offset[:2], across, face)


def deviation(pattern: str, scale: float, variant: float) -> tuple[float, float]:
    """Mean and standard deviation of the position on the ramp of colors that a pattern gives, over many places."""
    rng = np.random.default_rng(0)
    material = Material(pattern, ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0)), scale, variant=variant)
    values = []
    for _ in range(SAMPLES // 500):
        coat = material.coat([SAMPLED_EDGE / 2] * 3, rng)
        values.append(coat.albedo(rng.uniform(-SAMPLED_EDGE / 2, SAMPLED_EDGE / 2, (500, 3)))[:, 0])
    return float(np.mean(values)), float(np.std(values))


def matched(pattern: str, mean: Color, spread: Color, scale: float, variant: float = 0.5) -> Material:
    """Make a material of two colors whose mean and standard deviation over the surface are given.

    Args:
        pattern: Name of the pattern; not ``plain``, which has no deviation.
        mean: Mean color, RGB in 0..1.
        spread: Standard deviation of each channel; a negative one makes the channel fall where others rise.
        scale: Size of the pattern's features, meters.
        variant: Which variant of the pattern it is.
    """
    middle, sigma = deviation(pattern, scale, variant)
    ends = [np.clip(np.array(mean) + (t - middle) / sigma * np.array(spread), 0.0, 1.0) for t in (0.0, 1.0)]
    first, second = ((float(r), float(g), float(b)) for r, g, b in ends)
    return Material(pattern, (first, second), scale, variant=variant)
