"""Frames that are put together box by box are those that are traced at once."""

import numpy as np
import pytest
from traced_frames import Box, camera_pose, trace
from traced_scenes import overhead, traced

from impurity_grasp_ros.transform import Transform

RED, GREEN, BLUE = (200, 10, 20), (10, 200, 20), (10, 20, 200)
BOXES = [
    Box((0.45, 0.55), (-0.05, 0.05), 0.06, RED),
    Box((0.50, 0.60), (0.0, 0.1), 0.09, GREEN),  # through the first
    Box((0.74, 0.95), (0.2, 0.6), 0.04, BLUE),  # over a corner of the view
    Box((1.5, 1.6), (1.5, 1.6), 0.05, BLUE),  # outside of it
]


@pytest.mark.parametrize(
    "pose",
    [camera_pose((0.5, 0.0), 0.72, 0.0, azimuth=0.0, roll=0.0), camera_pose((0.52, 0.01), 0.75, 0.4, 1.0, 0.3)],
    ids=["overhead", "tilted"],
)
def test_every_pixel_is_the_same(pose: Transform) -> None:
    expected, frame = trace(BOXES, pose), traced(BOXES, pose)
    np.testing.assert_array_equal(frame.depth, expected.depth)
    np.testing.assert_array_equal(frame.color, expected.color)
    assert {tuple(color) for color in np.unique(frame.color.reshape(-1, 3), axis=0)} > {RED, GREEN, BLUE}


def test_a_frame_that_many_look_at_cannot_be_written_into() -> None:
    frame = overhead(BOXES)
    assert overhead(BOXES) is frame
    for array in (frame.depth, frame.color):
        with pytest.raises(ValueError, match="read-only"):
            array[0, 0] = 0
