"""Images survive the way through messages; what does not fit is an error by name."""

from __future__ import annotations

import array
from typing import Any

import numpy as np
import pytest
from sensor_msgs.msg import CameraInfo, Image

from impurity_grasp_ros.datatypes import CameraIntrinsics
from impurity_grasp_ros.errors import InvalidFrameError
from impurity_grasp_ros.nodes import images
from impurity_grasp_ros.nodes.images import (
    from_camera_info,
    from_color,
    from_depth,
    from_image,
    to_camera_info,
    to_image,
)
from impurity_grasp_ros.nodes.stamps import to_header, to_seconds

pytestmark = pytest.mark.ros

RNG = np.random.default_rng(0)
HEADER = to_header(12.5)
IMAGES = {
    "rgb8": RNG.integers(0, 255, (5, 7, 3)).astype(np.uint8),
    "mono8": RNG.integers(0, 255, (5, 7)).astype(np.uint8),
    "16UC1": RNG.integers(0, 65535, (5, 7)).astype(np.uint16),
    "32FC1": RNG.random((5, 7)).astype(np.float32),
}


@pytest.mark.parametrize("encoding", IMAGES)
def test_an_image_survives(encoding: str) -> None:
    message = to_image(IMAGES[encoding], encoding, HEADER)
    assert np.array_equal(from_image(message), IMAGES[encoding])
    assert (message.header.frame_id, to_seconds(message.header.stamp)) == ("base_link", 12.5)


@pytest.mark.parametrize("encoding", IMAGES)
def test_padded_rows_and_big_endian_numbers_are_understood(encoding: str) -> None:
    pixels = IMAGES[encoding]
    swapped = pixels.astype(pixels.dtype.newbyteorder(">"))
    rows = swapped.reshape(5, -1).view(np.uint8)
    padded = np.pad(rows, ((0, 0), (0, 9)))
    message = Image(height=5, width=7, encoding=encoding, is_bigendian=1, step=padded.shape[1])
    message.data = array.array("B", padded.tobytes())
    assert np.array_equal(from_image(message), pixels)


@pytest.mark.parametrize("encoding", ["bgr8", "bgra8", "rgba8", "mono8", "rgb8"])
def test_color_images_of_all_usual_encodings_become_rgb(encoding: str) -> None:
    red, green, blue = 200, 100, 50
    pixel = {"b": blue, "g": green, "r": red, "a": 255}
    channels = [120] if encoding == "mono8" else [pixel[letter] for letter in encoding[:-1]]
    message = Image(height=4, width=6, encoding=encoding, step=6 * len(channels))
    message.data = array.array("B", channels * 24)
    expected = [120] * 3 if encoding == "mono8" else [red, green, blue]
    assert (from_color(message) == expected).all()
    assert from_color(message).shape == (4, 6, 3)


def test_an_encoding_that_needs_cv_bridge_is_refused_by_name_without_it(monkeypatch: pytest.MonkeyPatch) -> None:
    message = Image(height=2, width=2, encoding="bayer_rggb8", step=2)
    message.data = array.array("B", [200, 100, 100, 50])
    monkeypatch.setattr(images, "CvBridge", None)
    with pytest.raises(InvalidFrameError, match=r"rgb8, bgr8, rgba8, bgra8, mono8, or cv_bridge .* 'bayer_rggb8'"):
        from_color(message)


def test_cv_bridge_converts_what_this_package_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    """A stand-in: where ROS 2 comes from wheels, there is no cv_bridge."""

    class Bridge:
        def imgmsg_to_cv2(self, message: Image, encoding: str) -> np.ndarray:
            assert (message.encoding, encoding) == ("yuv422", "rgb8")
            return np.full((2, 2, 3), 7, np.uint8)

    monkeypatch.setattr(images, "CvBridge", Bridge)
    assert (from_color(Image(height=2, width=2, encoding="yuv422")) == 7).all()


def test_depth_in_millimeters_becomes_meters() -> None:
    message = to_image(np.array([[0, 1, 1500]], np.uint16), "16UC1", HEADER)
    assert np.allclose(from_depth(message), [[0.0, 0.001, 1.5]])


def test_depth_that_is_not_a_number_is_no_reading() -> None:
    message = to_image(np.array([[np.nan, np.inf, -np.inf, 0.7]], np.float32), "32FC1", HEADER)
    assert np.array_equal(from_depth(message), np.array([[0.0, 0.0, 0.0, 0.7]], np.float32))


def image_with(**changes: Any) -> Image:
    message = to_image(IMAGES["32FC1"], "32FC1", HEADER)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


@pytest.mark.parametrize(
    "message",
    [
        Image(),
        image_with(encoding="plaid"),
        image_with(width=8),
        image_with(height=6),
        image_with(step=3),
        image_with(data=array.array("B", [1, 2, 3])),
    ],
    ids=["empty", "encoding", "width", "height", "step", "data"],
)
def test_an_image_that_does_not_fit_is_an_invalid_frame(message: Image) -> None:
    for convert in (from_image, from_depth, from_color):
        with pytest.raises(InvalidFrameError, match="expected"):
            convert(message)


def test_color_is_not_taken_for_depth() -> None:
    with pytest.raises(InvalidFrameError, match="rgb8"):
        from_depth(to_image(IMAGES["rgb8"], "rgb8", HEADER))


def test_camera_intrinsics_survive() -> None:
    model = CameraIntrinsics(640, 480, 615.0, 614.0, 319.5, 240.0)
    assert from_camera_info(to_camera_info(model, HEADER)) == model


def test_an_uncalibrated_camera_is_an_invalid_frame() -> None:
    with pytest.raises(InvalidFrameError, match="calibrated"):
        from_camera_info(CameraInfo(width=640, height=480))
