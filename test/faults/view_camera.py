"""A camera that publishes drawn frames, the scenes that it shows, and a server that only counts primitives."""

from __future__ import annotations

import threading
from dataclasses import replace
from typing import Any

import numpy as np
from graph import Client
from rclpy.action import ActionServer
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile
from sensor_msgs.msg import CameraInfo, Image
from traced_frames import Box, trace

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE
from impurity_grasp_ros.nodes.images import to_camera_info, to_image
from impurity_grasp_ros.nodes.liveliness import announce_server
from impurity_grasp_ros.nodes.stamps import to_header

PERIOD = 0.2
DEPTH_NOISE = 3e-4
"""Depth noise in meters: a camera without noise would repeat its image, which is another fault."""

BROWN, BLUE = (140, 107, 77), (38, 89, 204)
TARGET = Box((0.50, 0.536), (0.01, 0.054), 0.035, BLUE)


def scene(*more: Box, x: float = 0.5) -> RgbdFrame:
    """Ordinary blocks, and more, as a camera above ``x`` sees them that is calibrated to hang above the middle."""
    calibration = load_cell().calibration
    blocks = [
        Box((0.36 + 0.07 * i, 0.396 + 0.07 * i), (-0.13 + 0.07 * j, -0.086 + 0.07 * j), 0.035, BROWN)
        for i in range(4)
        for j in range(4)
        if (i, j) != (2, 2)
    ]
    pose = calibration.T_base_camera.copy()
    pose[0, 3] = x
    return replace(trace([*blocks, *more], pose, calibration.intrinsics), T_base_camera=calibration.T_base_camera)


GOOD, CLEAN = scene(TARGET), scene()


class ViewCamera:
    """Publishes a frame repeatedly, each time with new noise, until another frame is set."""

    def __init__(self, node: Node, frame: RgbdFrame) -> None:
        self._color = node.create_publisher(Image, COLOR_IMAGE, QoSProfile(depth=8))
        self._depth = node.create_publisher(Image, DEPTH_IMAGE, QoSProfile(depth=8))
        self._info = node.create_publisher(CameraInfo, CAMERA_INFO, QoSProfile(depth=8))
        self._clock = node.get_clock()
        self._rng = np.random.default_rng(0)
        self._frame = frame
        self._lock = threading.Lock()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def show(self, frame: RgbdFrame) -> None:
        """Set the frame; every image that is stamped after this call shows it."""
        with self._lock:
            self._frame = frame

    def close(self) -> None:
        self._stop.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._stop.wait(PERIOD):
            with self._lock:
                self._publish(self._frame)

    def _publish(self, frame: RgbdFrame) -> None:
        noise = self._rng.normal(0.0, DEPTH_NOISE, frame.depth.shape)
        depth = np.where(frame.depth > 0.0, frame.depth + noise, 0.0).astype(np.float32)
        header = to_header(self._clock.now().nanoseconds * 1e-9, load_cell().calibration.frame_id)
        self._info.publish(to_camera_info(frame.intrinsics, header))
        self._color.publish(to_image(frame.color, "rgb8", header))
        self._depth.publish(to_image(depth, "32FC1", header))


class CountingRobot:
    """Reports every primitive as executed at once.

    Attributes:
        started: Number of primitives.
        after: Frame that the camera shows after each of them.
    """

    def __init__(self, client: Client, camera: ViewCamera) -> None:
        self.started, self.after = 0, CLEAN
        self._camera = camera
        self._clock = client.node.get_clock()
        self._announcement = announce_server(client.node)
        self._server = ActionServer(
            client.node,
            ExecutePrimitive,
            "execute_primitive",
            self._execute,
            callback_group=ReentrantCallbackGroup(),
        )

    def _execute(self, handle: Any) -> ExecutePrimitive.Result:
        self.started += 1
        self._camera.show(self.after)
        handle.succeed()
        attempt = Attempt(primitive=handle.request.primitive, status=Attempt.HELD, opening=0.03, duration=1.0)
        return ExecutePrimitive.Result(attempt=attempt, completed=self._clock.now().to_msg())
