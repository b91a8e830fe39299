"""Single camera images, and clicks on them, for command-line tools."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

import numpy as np
import rclpy
from geometry_msgs.msg import Point
from numpy.typing import NDArray
from rclpy.executors import SingleThreadedExecutor
from sensor_msgs.msg import CameraInfo, Image

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import SensorStaleError
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, CLICK, COLOR_IMAGE, DEPTH_IMAGE, camera_qos
from impurity_grasp_ros.nodes.images import from_camera_info, from_color, from_depth


@dataclass
class _Latest:
    image: Image | None = None
    received: float = 0.0
    depth: Image | None = None
    info: CameraInfo | None = None
    click: Point | None = None


class CameraTap:
    """A context manager that receives the streams of a camera driver, in a node and executor of its own."""

    def __enter__(self) -> CameraTap:
        rclpy.init()
        self._latest = _Latest()
        self._node = rclpy.create_node("camera_tap")
        self._node.create_subscription(Image, COLOR_IMAGE, self._on_image, camera_qos("reliable"))
        self._node.create_subscription(Image, DEPTH_IMAGE, self._on_depth, camera_qos("reliable"))
        self._node.create_subscription(CameraInfo, CAMERA_INFO, self._on_info, camera_qos("reliable"))
        self._node.create_subscription(Point, CLICK, self._on_click, 10)
        self._executor = SingleThreadedExecutor()
        self._executor.add_node(self._node)
        self._thread = threading.Thread(target=self._executor.spin, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_error: object) -> None:
        self._executor.shutdown()
        self._thread.join()
        self._node.destroy_node()
        rclpy.try_shutdown()

    def capture(self, timeout: float = 5.0) -> tuple[NDArray[np.uint8], CameraIntrinsics]:
        """Wait for the next color image.

        Args:
            timeout: Seconds to wait.

        Returns:
            The image, (h, w, 3) uint8 RGB, and the camera's intrinsics.

        Raises:
            SensorStaleError: No image, or no camera info, arrived in time.
            InvalidFrameError: The image is not a color image, or the camera is not calibrated.
        """
        start = time.monotonic()
        while self._latest.image is None or self._latest.info is None or self._latest.received < start:
            if time.monotonic() > start + timeout:
                raise SensorStaleError(f"expected an image on {COLOR_IMAGE} within {timeout:g} s")
            time.sleep(0.01)
        return from_color(self._latest.image), from_camera_info(self._latest.info)

    def depth_at(self, column: int, row: int, timeout: float = 5.0) -> float:
        """Measure the depth at a pixel: the median of the readings in the 7 x 7 pixels around it.

        Args:
            column: Column of the pixel.
            row: Row of the pixel.
            timeout: Seconds to wait for a reading.

        Returns:
            Meters along the optical axis.

        Raises:
            SensorStaleError: There was no reading around the pixel in time.
            InvalidFrameError: The image is not a depth image.
        """
        deadline = time.monotonic() + timeout
        while time.monotonic() < deadline:
            if self._latest.depth is not None:
                depth = from_depth(self._latest.depth)
                around = depth[max(row - 3, 0) : row + 4, max(column - 3, 0) : column + 4]
                if (seen := around[around > 0.0]).size:
                    return float(np.median(seen))
            time.sleep(0.05)
        raise SensorStaleError(f"expected a depth reading at column {column}, row {row} within {timeout:g} s")

    def wait_for_click(self) -> tuple[int, int]:
        """Wait for the next click that rqt_image_view reports and return its column and row."""
        self._latest.click = None
        while self._latest.click is None:
            time.sleep(0.05)
        return round(self._latest.click.x), round(self._latest.click.y)

    def _on_depth(self, message: Image) -> None:
        self._latest.depth = message

    def _on_click(self, message: Point) -> None:
        self._latest.click = message

    def _on_image(self, message: Image) -> None:
        self._latest.image, self._latest.received = message, time.monotonic()

    def _on_info(self, message: CameraInfo) -> None:
        self._latest.info = message
