"""Conversions of images and camera models to and from ``sensor_msgs``."""

from __future__ import annotations

import array
import sys
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import InvalidFrameError

try:
    from cv_bridge import CvBridge, CvBridgeError
except ImportError:  # not part of the wheels of ROS 2
    CvBridge = None

MILLIMETER = 1e-3

PIXELS = {
    "rgb8": (np.uint8, 3),
    "bgr8": (np.uint8, 3),
    "rgba8": (np.uint8, 4),
    "bgra8": (np.uint8, 4),
    "mono8": (np.uint8, 1),
    "16UC1": (np.uint16, 1),
    "32FC1": (np.float32, 1),
}
"""Data type and number of channels of each encoding that this package reads and writes itself."""

RGB = {"rgb8": (0, 1, 2), "bgr8": (2, 1, 0), "rgba8": (0, 1, 2), "bgra8": (2, 1, 0), "mono8": (0, 0, 0)}
"""Channels of red, green and blue in each of these encodings."""


def to_image(pixels: NDArray[np.generic], encoding: str, header: Header) -> Image:
    """An image as a message.

    Args:
        pixels: (h, w) or (h, w, channels), of values that the encoding can hold.
        encoding: A key of ``PIXELS``.
        header: The header of the message.

    Returns:
        The message.
    """
    pixels = np.ascontiguousarray(pixels, PIXELS[encoding][0])
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.step = pixels.strides[0]
    message.is_bigendian = int(sys.byteorder == "big")
    data = array.array("B")
    data.frombytes(pixels.data.cast("B"))  # a thousand times faster than array("B", pixels)
    message.data = data
    return message


def from_image(message: Image) -> NDArray[Any]:
    """The pixels of an image in one of the encodings of ``PIXELS``.

    Args:
        message: The image.

    Returns:
        A read-only view of the pixels: (h, w) or (h, w, channels), in the data type of the encoding.

    Raises:
        InvalidFrameError: The encoding is another one, or the amount of data does not match the size of the image.
    """
    if message.encoding not in PIXELS:
        raise InvalidFrameError(f"expected one of the encodings {', '.join(PIXELS)}, received {message.encoding!r}")
    dtype, channels = PIXELS[message.encoding]
    number = np.dtype(dtype).newbyteorder(">" if message.is_bigendian else "<")
    row = message.width * channels * number.itemsize
    if message.step < row or len(message.data) != message.step * message.height or not len(message.data):
        raise InvalidFrameError(
            f"expected {message.height} rows of at least {row} bytes, received {len(message.data)} bytes "
            f"in rows of {message.step}"
        )
    rows = np.frombuffer(message.data, np.uint8).reshape(message.height, message.step)[:, :row]
    pixels = np.ascontiguousarray(rows).view(number).astype(dtype, copy=False)
    return pixels.reshape(message.height, message.width, channels) if channels > 1 else pixels


def from_color(message: Image) -> NDArray[np.uint8]:
    """The pixels of a color image.

    Args:
        message: The image, in an encoding of ``RGB``; if cv_bridge is installed, in any that it converts to color,
            such as those of Bayer patterns.

    Returns:
        (h, w, 3) uint8 RGB.

    Raises:
        InvalidFrameError: The encoding is another one, or the data do not match the size of the image.
    """
    if message.encoding in RGB:
        pixels = from_image(message)
        return np.atleast_3d(pixels)[..., RGB[message.encoding]]
    if CvBridge is None:
        expected = f"a color image in one of the encodings {', '.join(RGB)}, or cv_bridge for others"
        raise InvalidFrameError(f"expected {expected}, received {message.encoding!r}")
    try:
        return np.asarray(CvBridge().imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except (CvBridgeError, TypeError, ValueError, KeyError) as error:
        raise InvalidFrameError(f"expected a color image, received {message.encoding!r}: {error}") from error


def from_depth(message: Image) -> NDArray[np.float32]:
    """The depths in an image, encoded as 16UC1 (millimeters) or 32FC1 (meters; REP-118).

    Args:
        message: The image.

    Returns:
        (h, w) float32, meters along the optical axis; 0 where there is no reading.

    Raises:
        InvalidFrameError: The encoding is another one, or the amount of data does not match the size of the image.
    """
    if message.encoding not in ("16UC1", "32FC1"):
        raise InvalidFrameError(f"expected depth as 16UC1 or 32FC1, received {message.encoding!r}")
    pixels = from_image(message)
    if message.encoding == "16UC1":
        return pixels.astype(np.float32) * np.float32(MILLIMETER)
    return np.where(np.isfinite(pixels), pixels, np.float32(0.0))


def from_camera_info(message: CameraInfo) -> CameraIntrinsics:
    """The pinhole model in a camera info message.

    Args:
        message: The camera info; its distortion is ignored.

    Returns:
        The intrinsics.

    Raises:
        InvalidFrameError: The camera is not calibrated: a focal length is not positive.
    """
    fx, fy, cx, cy = message.k[0], message.k[4], message.k[2], message.k[5]
    if not (fx > 0.0 and fy > 0.0):
        raise InvalidFrameError(f"expected a calibrated camera, received focal lengths {fx} and {fy}")
    return CameraIntrinsics(message.width, message.height, fx, fy, cx, cy)


def to_camera_info(model: CameraIntrinsics, header: Header) -> CameraInfo:
    """A pinhole model without distortion as a camera info message."""
    message = CameraInfo(header=header, width=model.width_px, height=model.height_px, distortion_model="plumb_bob")
    message.d = [0.0] * 5
    message.k = [model.fx_px, 0.0, model.cx_px, 0.0, model.fy_px, model.cy_px, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [model.fx_px, 0.0, model.cx_px, 0.0, 0.0, model.fy_px, model.cy_px, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
