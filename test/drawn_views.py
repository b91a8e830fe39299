"""Frames with something wrong: hands, arms and tools in view, missing depth, bad light, a moved table."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import RgbdFrame

Color = tuple[int, int, int]

COLORS: dict[str, Color] = {
    "light skin": (224, 180, 150),
    "dark skin": (92, 60, 42),
    "blue glove": (62, 110, 190),
    "black glove": (26, 26, 28),
    "white glove": (238, 238, 234),
    "orange glove": (232, 134, 46),
    "brown glove": (140, 107, 77),
}

TABLE_HEIGHT_M = 0.72
"""Distance of the shipped camera from the table."""


@dataclass(frozen=True)
class Capsule:
    """A rod with round ends. start, end: (x, y, z) in meters, base frame. radius: meters."""

    start: tuple[float, float, float]
    end: tuple[float, float, float]
    radius: float

    def centers(self) -> NDArray[np.float64]:
        """Centers (N, 3) of balls that fill the rod, in meters, base frame."""
        start, end = np.array(self.start), np.array(self.end)
        count = max(2, math.ceil(float(np.linalg.norm(end - start)) / (self.radius / 3.0)))
        return start + np.linspace(0.0, 1.0, count)[:, None] * (end - start)


Body = list[Capsule]


def paint(frame: RgbdFrame, body: Body, color: Color) -> RgbdFrame:
    """The frame with a body drawn into it, lit from the camera and hiding what is behind it."""
    image, depth = frame.color.copy(), frame.depth.copy()
    rotation, origin = frame.T_base_camera[:3, :3], frame.T_base_camera[:3, 3]
    for capsule in body:
        for center in (capsule.centers() - origin) @ rotation:
            if center[2] > 0.05 + capsule.radius:
                _ball(image, depth, frame, center, capsule.radius, color)
    return replace(frame, color=image, depth=depth)


def _ball(
    image: NDArray[np.uint8],
    depth: NDArray[np.float32],
    frame: RgbdFrame,
    center: NDArray[np.float64],
    radius: float,
    color: Color,
) -> None:
    model = frame.intrinsics
    u, v = model.fx_px * center[0] / center[2] + model.cx_px, model.fy_px * center[1] / center[2] + model.cy_px
    reach = radius * model.fx_px / center[2]
    rows = np.arange(max(0, math.floor(v - reach)), min(depth.shape[0], math.ceil(v + reach) + 1))
    columns = np.arange(max(0, math.floor(u - reach)), min(depth.shape[1], math.ceil(u + reach) + 1))
    if not (rows.size and columns.size):
        return
    part = np.ix_(rows, columns)
    off = np.hypot(columns[None] - u, rows[:, None] - v) / reach
    rise = np.sqrt(np.clip(1.0 - off**2, 0.0, None))
    surface = (center[2] - radius * rise).astype(np.float32)
    seen = (off <= 1.0) & ((surface < depth[part]) | (depth[part] == 0.0))
    shade = (0.55 + 0.45 * rise)[..., None] * np.array(color)
    image[part] = np.where(seen[..., None], shade, image[part]).astype(np.uint8)
    depth[part] = np.where(seen, surface, depth[part])


def placed(body: Body, x: float, y: float, z: float, yaw: float) -> Body:
    """A body, modeled at the origin and pointing along x, moved to (x, y, z) meters and rotated by ``yaw`` rad."""
    c, s = math.cos(yaw), math.sin(yaw)

    def move(point: tuple[float, float, float]) -> tuple[float, float, float]:
        return x + c * point[0] - s * point[1], y + s * point[0] + c * point[1], z + point[2]

    return [Capsule(move(part.start), move(part.end), part.radius) for part in body]


def _palm() -> Body:
    return [Capsule((-0.08, k * 0.02, 0.0), (0.0, k * 0.022, 0.0), 0.014) for k in (-1.5, -0.5, 0.5, 1.5)]


def _forearm(rise: float = 0.15) -> Body:
    return [Capsule((-0.08, 0.0, 0.01), (-0.65, 0.0, 0.01 + rise), 0.035)]


def flat_hand() -> Body:
    """An open hand and its arm, with fingers along x and the middle knuckles at the origin."""
    fingers = [Capsule((0.0, k * 0.022, 0.0), (0.08, k * 0.026, 0.0), 0.009) for k in (-1.5, -0.5, 0.5, 1.5)]
    thumb = [Capsule((-0.06, 0.04, 0.0), (0.0, 0.075, 0.0), 0.011)]
    return _palm() + fingers + thumb + _forearm()


def fist() -> Body:
    """A fist and its arm."""
    return [Capsule((-0.03, k * 0.018, 0.01), (0.03, k * 0.018, 0.01), 0.033) for k in (-1, 0, 1)] + _forearm()


def pointing() -> Body:
    """A fist with one extended finger, and its arm."""
    return [*fist(), Capsule((0.03, 0.02, 0.0), (0.12, 0.02, -0.02), 0.009)]


def pinching() -> Body:
    """A hand that reaches down and holds something between thumb and finger."""
    fingers = [Capsule((-0.04, k * 0.02, 0.05), (0.0, k * 0.012, 0.0), 0.010) for k in (-1, 1)]
    return [*fingers, Capsule((-0.10, 0.0, 0.08), (-0.03, 0.0, 0.06), 0.04), *(_forearm(0.3))]


def fingers_only() -> Body:
    """Three fingers, longer than real ones, so that they reach into a view while the hand stays outside."""
    return [Capsule((-0.25, k * 0.022, 0.0), (0.06, k * 0.024, 0.0), 0.009) for k in (-1, 0, 1)]


def arm() -> Body:
    """A forearm across the view."""
    return [Capsule((-0.7, 0.0, 0.0), (0.7, 0.05, 0.0), 0.04)]


def wrench() -> Body:
    """A wrench."""
    return [Capsule((-0.11, 0.0, 0.0), (0.11, 0.0, 0.0), 0.012), Capsule((0.1, 0.0, 0.0), (0.13, 0.0, 0.0), 0.02)]


def drill() -> Body:
    """A drill."""
    return [
        Capsule((-0.09, 0.0, 0.03), (0.09, 0.0, 0.03), 0.035),
        Capsule((-0.06, 0.0, 0.03), (-0.06, 0.12, 0.03), 0.025),
    ]


BODIES: dict[str, tuple[Callable[[], Body], float]] = {
    "flat hand": (flat_hand, 0.02),
    "hand over the objects": (flat_hand, 0.10),
    "fist": (fist, 0.03),
    "pointing finger": (pointing, 0.05),
    "pinching hand": (pinching, 0.03),
    "fingers": (fingers_only, 0.02),
    "arm at 35 cm": (arm, 0.35),
    "arm at 15 cm": (arm, 0.15),
    "wrench": (wrench, 0.02),
    "drill": (drill, 0.01),
}
"""Bodies that can be in view, and the height in meters at which each is placed."""


def intruder(name: str, rng: np.random.Generator) -> Body:
    """One of BODIES at a random place in the workspace and with a random yaw."""
    make, height = BODIES[name]
    x, y = 0.5 + rng.uniform(-0.13, 0.13), rng.uniform(-0.13, 0.13)
    return placed(make(), x, y, height, rng.uniform(-math.pi, math.pi))


def without_depth(frame: RgbdFrame, pixels: NDArray[np.bool_]) -> RgbdFrame:
    """The frame without depth in ``pixels`` (H, W)."""
    return replace(frame, depth=np.where(pixels, np.float32(0.0), frame.depth))


def farther(frame: RgbdFrame, meters: float, tilt_deg: float = 0.0) -> RgbdFrame:
    """The frame with all depth readings increased by ``meters``, and by a slope of ``tilt_deg`` along the rows."""
    along = (np.arange(frame.depth.shape[1]) - frame.intrinsics.cx_px) / frame.intrinsics.fx_px * TABLE_HEIGHT_M
    change = np.float32(meters) + (math.tan(math.radians(tilt_deg)) * along).astype(np.float32)
    return replace(frame, depth=np.where(frame.depth > 0.0, frame.depth + change, np.float32(0.0)))


def lit(frame: RgbdFrame, factor: float | Color) -> RgbdFrame:
    """The frame in another light. factor: one for all channels, or three in percent for R, G and B."""
    gain = np.array(factor) / (100.0 if isinstance(factor, tuple) else 1.0)
    return replace(frame, color=np.clip(frame.color * gain, 0.0, 255.0).astype(np.uint8))
