"""Topics of the camera driver, under the names that realsense-ros uses by default, and their quality of service."""

from __future__ import annotations

from rclpy.qos import QoSProfile, ReliabilityPolicy
from sensor_msgs.msg import CameraInfo, Image

COLOR_IMAGE = "camera/camera/color/image_raw"
DEPTH_IMAGE = "camera/camera/aligned_depth_to_color/image_raw"
"""Depth image registered to the color image."""

CAMERA_INFO = "camera/camera/color/camera_info"
VIEW_TOPICS = {"view/color": Image, "view/depth": Image, "view/camera_info": CameraInfo}
"""The messages that a heightmap was made from, for recorders; types by topic."""

CLICK = f"{COLOR_IMAGE}_mouse_left"
"""Left clicks on the color image, as rqt_image_view publishes them."""


def camera_qos(reliability: str) -> QoSProfile:
    """The quality of service for images.

    The queue is deep enough for color and depth images to be paired after the node has been delayed.

    Args:
        reliability: ``reliable``, which camera drivers offer by default, or ``best_effort``. An image is larger than a
            socket buffer, and with ``best_effort`` one lost fragment loses the whole image.

    Returns:
        The profile.
    """
    policy = ReliabilityPolicy.RELIABLE if reliability == "reliable" else ReliabilityPolicy.BEST_EFFORT
    return QoSProfile(depth=8, reliability=policy)
