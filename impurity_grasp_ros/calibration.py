"""The camera's intrinsics and mounting, read from the file that the cell names."""

import math
from dataclasses import dataclass

from impurity_grasp_ros.config import load, parameter
from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.transform import Transform, from_quaternion

MAX_ERROR_PX = 3.0
"""Reprojection error; beyond it a grasp misses by more than the fingers' clearance."""

MAX_NORM_ERROR = 1e-3
"""By which a unit quaternion may be off: files round."""

MIN_HEIGHT = 0.1
"""Metres above the table; cameras with depth see nothing closer than that."""

MAX_TILT_DEG = 75.0
"""Between the optical axis and straight down; beyond it a table is seen edge on."""

MIN_FIELD_OF_VIEW_DEG, MAX_FIELD_OF_VIEW_DEG = 15.0, 140.0
MAX_ASPECT = 1.25
"""Of the two focal lengths; pixels of cameras are square or nearly so."""

MAX_OFF_CENTER = 0.2
"""Between principal point and image center, as a part of the image's size."""


@dataclass(frozen=True)
class CameraCalibration:
    """Pinhole intrinsics and the pose of the optical frame in base_link."""

    frame_id: str = parameter("name of the optical frame")
    width_px: int = parameter("columns", low=16, high=4096)
    height_px: int = parameter("rows", low=16, high=4096)
    fx_px: float = parameter("focal length across", low=1.0, high=1e5)
    fy_px: float = parameter("focal length down", low=1.0, high=1e5)
    cx_px: float = parameter("principal point, column", low=0.0, high=4096.0)
    cy_px: float = parameter("principal point, row", low=0.0, high=4096.0)
    translation: tuple[float, float, float] = parameter("m; the table's top is z = 0", low=-5.0, high=5.0)
    quaternion_xyzw: tuple[float, float, float, float] = parameter("unit quaternion", low=-1.0, high=1.0)
    reprojection_error_px: float = parameter("root mean square; 0 for a simulated camera", low=0.0, high=MAX_ERROR_PX)

    def __post_init__(self) -> None:
        """Raise ConfigError unless a camera can be built and mounted like that."""
        self._check_lens("fx_px", self.fx_px, "width_px", self.width_px, "cx_px", self.cx_px)
        self._check_lens("fy_px", self.fy_px, "height_px", self.height_px, "cy_px", self.cy_px)
        aspect = max(self.fx_px, self.fy_px) / min(self.fx_px, self.fy_px)
        if aspect > MAX_ASPECT:
            raise ConfigError(f"fx_px, fy_px: expected a ratio of at most {MAX_ASPECT}, received {aspect:.3g}")
        self._check_mounting()

    @staticmethod
    def _check_lens(name: str, focal: float, side: str, pixels: int, point: str, center: float) -> None:
        angle = math.degrees(2.0 * math.atan(0.5 * pixels / focal))
        if not MIN_FIELD_OF_VIEW_DEG <= angle <= MAX_FIELD_OF_VIEW_DEG:
            raise ConfigError(
                f"{name}: expected a field of view of {MIN_FIELD_OF_VIEW_DEG:g} to {MAX_FIELD_OF_VIEW_DEG:g} deg, "
                f"received {angle:.3g} deg ({focal:g} px for {side} {pixels})"
            )
        off = abs(center - 0.5 * (pixels - 1)) / pixels
        if off > MAX_OFF_CENTER:
            raise ConfigError(
                f"{point}: expected it within {MAX_OFF_CENTER:.0%} of {side} {pixels} from the center of the image, "
                f"received {center:g} px, off by {off:.0%}"
            )

    def _check_mounting(self) -> None:
        norm = math.hypot(*self.quaternion_xyzw)
        if abs(norm - 1.0) > MAX_NORM_ERROR:
            raise ConfigError(f"quaternion_xyzw: expected a norm of 1, received {norm:.4g}")
        x, y, _, _ = self.quaternion_xyzw
        down = (2.0 * (x * x + y * y) - norm**2) / norm**2  # the optical axis against the base's z axis
        tilt = math.degrees(math.acos(max(-1.0, min(1.0, down))))
        if tilt > MAX_TILT_DEG:
            raise ConfigError(
                f"quaternion_xyzw: expected a camera that looks down, at most {MAX_TILT_DEG:g} deg off, "
                f"received one that is {tilt:.0f} deg off"
            )
        if self.translation[2] < MIN_HEIGHT:
            raise ConfigError(
                f"translation: expected a camera at least {MIN_HEIGHT:g} m above the table, "
                f"received z = {self.translation[2]:g} m"
            )

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The pinhole model."""
        return CameraIntrinsics(self.width_px, self.height_px, self.fx_px, self.fy_px, self.cx_px, self.cy_px)

    @property
    def T_base_camera(self) -> Transform:
        """Pose of the optical frame."""
        return from_quaternion(self.translation, self.quaternion_xyzw)


def load_calibration(file: str) -> CameraCalibration:
    """The calibration that a YAML file holds.

    Args:
        file: Path, relative to the package or absolute.

    Returns:
        Intrinsics and pose of the camera.

    Raises:
        ConfigError: The file is no calibration, or that of no camera that could see the table.
    """
    return load(CameraCalibration, file)
