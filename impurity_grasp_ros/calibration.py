"""The camera's intrinsics and mounting, read from ``config/camera_calibration.yaml``."""

from dataclasses import dataclass

from impurity_grasp_ros.config import load, parameter
from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.transform import Transform, from_quaternion

CALIBRATION_FILE = "config/camera_calibration.yaml"


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
    translation: tuple[float, float, float] = parameter("m", low=-5.0, high=5.0)
    quaternion_xyzw: tuple[float, float, float, float] = parameter("unit quaternion", low=-1.0, high=1.0)
    reprojection_error_px: float = parameter("error of the calibration; 0 for a simulated camera", low=0.0, high=100.0)

    @property
    def intrinsics(self) -> CameraIntrinsics:
        """The pinhole model."""
        return CameraIntrinsics(self.width_px, self.height_px, self.fx_px, self.fy_px, self.cx_px, self.cy_px)

    @property
    def T_base_camera(self) -> Transform:
        """Pose of the optical frame."""
        return from_quaternion(self.translation, self.quaternion_xyzw)


def load_calibration(file: str = CALIBRATION_FILE) -> CameraCalibration:
    """The calibration that a YAML file holds; raises ConfigError."""
    return load(CameraCalibration, file)
