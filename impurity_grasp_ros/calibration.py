"""The camera's intrinsics and pose, read from the file that the cell's description names."""

import math
from dataclasses import dataclass

from impurity_grasp_ros.config import load, parameter
from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.transform import Transform, from_quaternion

MAX_ERROR_PX = 3.0
"""Limit on the reprojection error; with a larger one a grasp misses by more than the fingers' clearance."""

MAX_NORM_ERROR = 1e-3
"""Limit on the deviation of the quaternion's norm from 1; numbers in files are rounded."""

MIN_HEIGHT = 0.1
"""Least height of the camera above the table in meters; depth cameras see nothing that is closer."""

MAX_TILT_DEG = 75.0
"""Limit on the angle between the optical axis and straight down; beyond it the table is seen edge-on."""

MIN_FIELD_OF_VIEW_DEG, MAX_FIELD_OF_VIEW_DEG = 15.0, 140.0
MAX_ASPECT = 1.25
"""Limit on the ratio of the two focal lengths; the pixels of cameras are nearly square."""

MAX_OFF_CENTER = 0.2
"""Limit on the distance between principal point and image center, as a fraction of the image size."""


@dataclass(frozen=True)
class CameraCalibration:
    """Pinhole intrinsics, and the pose of the optical frame in ``base_link``.

    Raises:
        ConfigError: No camera has such a lens, or it is mounted where it cannot see the table.
    """

    frame_id: str = parameter("name of the optical frame")
    width_px: int = parameter("columns of the image", low=16, high=4096)
    height_px: int = parameter("rows of the image", low=16, high=4096)
    fx_px: float = parameter("horizontal focal length", low=1.0, high=1e5)
    fy_px: float = parameter("vertical focal length", low=1.0, high=1e5)
    cx_px: float = parameter("column of the principal point", low=0.0, high=4096.0)
    cy_px: float = parameter("row of the principal point", low=0.0, high=4096.0)
    translation: tuple[float, float, float] = parameter("m; the table top is at z = 0", low=-5.0, high=5.0)
    quaternion_xyzw: tuple[float, float, float, float] = parameter("unit quaternion", low=-1.0, high=1.0)
    reprojection_error_px: float = parameter("root mean square; 0 for a simulated camera", low=0.0, high=MAX_ERROR_PX)

    def __post_init__(self) -> None:
        """Raise ConfigError for a lens or a pose that no camera above the table can have."""
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
        down = (2.0 * (x * x + y * y) - norm**2) / norm**2  # cosine between the optical axis and straight down
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
    """Load a calibration from a YAML file.

    Args:
        file: Path, absolute or relative to the package.

    Returns:
        Intrinsics and pose of the camera.

    Raises:
        ConfigError: The file is not a calibration, or not one of a camera that can see the table.
    """
    return load(CameraCalibration, file)
