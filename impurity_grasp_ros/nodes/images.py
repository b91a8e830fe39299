"""Images and camera models to and from ``sensor_msgs``."""

from __future__ import annotations

import array
import sys
from typing import Any

import numpy as np
from cv_bridge import CvBridge, CvBridgeError
from numpy.typing import NDArray
from sensor_msgs.msg import CameraInfo, Image
from std_msgs.msg import Header

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import InvalidFrameError

MILLIMETER = 1e-3

PIXELS = {"rgb8": (np.uint8, 3), "mono8": (np.uint8, 1), "16UC1": (np.uint16, 1), "32FC1": (np.float32, 1)}
"""Number type and channels of the encodings that this package writes, and of depth images."""

_bridge = CvBridge()


def to_image(pixels: NDArray[np.generic], encoding: str, header: Header) -> Image:
    """An image (H, W) or (H, W, 3) whose type fits the encoding."""
    pixels = np.ascontiguousarray(pixels, PIXELS[encoding][0])
    message = Image(header=header, height=pixels.shape[0], width=pixels.shape[1], encoding=encoding)
    message.step = pixels.strides[0]
    message.is_bigendian = int(sys.byteorder == "big")
    data = array.array("B")
    data.frombytes(pixels.data.cast("B"))  # a thousand times faster than array("B", pixels)
    message.data = data
    return message


def from_image(message: Image) -> NDArray[Any]:
    """Pixels (H, W) or (H, W, 3) of an image in one of the encodings of ``PIXELS``, as a read-only view.

    Raises InvalidFrameError for another encoding or a size that does not fit.
    """
    if message.encoding not in PIXELS:
        raise InvalidFrameError(f"expected an encoding out of {', '.join(PIXELS)}, received {message.encoding!r}")
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
    """RGB pixels (H, W, 3) of a camera's colour image in any colour encoding; raises InvalidFrameError."""
    if message.encoding == "rgb8":
        return from_image(message)
    try:
        return np.asarray(_bridge.imgmsg_to_cv2(message, "rgb8"), np.uint8)
    except (CvBridgeError, TypeError, ValueError, KeyError) as error:
        raise InvalidFrameError(f"expected a colour image, received {message.encoding!r}: {error}") from error


def from_depth(message: Image) -> NDArray[np.float32]:
    """Depth (H, W) in metres, 0 for no reading, of an image as 16UC1 (mm) or 32FC1 (m; REP-118).

    Raises InvalidFrameError for another encoding.
    """
    if message.encoding not in ("16UC1", "32FC1"):
        raise InvalidFrameError(f"expected depth as 16UC1 or 32FC1, received {message.encoding!r}")
    pixels = from_image(message)
    if message.encoding == "16UC1":
        return pixels.astype(np.float32) * np.float32(MILLIMETER)
    return np.where(np.isfinite(pixels), pixels, np.float32(0.0))


def from_camera_info(message: CameraInfo) -> CameraIntrinsics:
    """Pinhole model of a camera; raises InvalidFrameError for one that is not calibrated."""
    fx, fy, cx, cy = message.k[0], message.k[4], message.k[2], message.k[5]
    if not (fx > 0.0 and fy > 0.0):
        raise InvalidFrameError(f"expected a calibrated camera, received focal lengths {fx} and {fy}")
    return CameraIntrinsics(message.width, message.height, fx, fy, cx, cy)


def to_camera_info(model: CameraIntrinsics, header: Header) -> CameraInfo:
    """Camera info of a pinhole model without distortion."""
    message = CameraInfo(header=header, width=model.width_px, height=model.height_px, distortion_model="plumb_bob")
    message.d = [0.0] * 5
    message.k = [model.fx_px, 0.0, model.cx_px, 0.0, model.fy_px, model.cy_px, 0.0, 0.0, 1.0]
    message.r = [1.0, 0.0, 0.0, 0.0, 1.0, 0.0, 0.0, 0.0, 1.0]
    message.p = [model.fx_px, 0.0, model.cx_px, 0.0, 0.0, model.fy_px, model.cy_px, 0.0, 0.0, 0.0, 1.0, 0.0]
    return message
