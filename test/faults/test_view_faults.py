"""Views that the robot must not act on, tested with the heightmap node alone."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from builtin_interfaces.msg import Duration, Time
from drawn_views import COLORS, farther, flat_hand, intruder, lit, paint, placed, without_depth
from fault_table import Verdict, fault
from graph import Client, running_graph, until
from numpy.typing import NDArray
from traced_frames import Box
from view_camera import BROWN, CLEAN, GOOD, TARGET, ViewCamera, scene

from impurity_grasp.srv import CaptureHeightmap
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.errors import ErrorCode

pytestmark = [pytest.mark.ros]

HAND = paint(GOOD, placed(flat_hand(), 0.5, 0.02, 0.06, 0.4), COLORS["light skin"])


def pixels(part: slice | tuple[slice, ...]) -> NDArray[np.bool_]:
    mask = np.zeros(GOOD.depth.shape, np.bool_)
    mask[part] = True
    return mask


def coal() -> RgbdFrame:
    """A black object that gives no depth."""
    frame = scene(replace(TARGET, color=(16, 15, 16)))
    return without_depth(frame, (frame.color == 16).any(axis=2))


FIRST_VIEWS: list[tuple[str, str, Callable[[], RgbdFrame], str, str]] = [
    ("a hand lies in the workspace", "remove it", lambda: HAND, "VIEW_BLOCKED", "received"),
    (
        "an arm crosses the view 35 cm above the table", "remove it",
        lambda: paint(GOOD, intruder("arm at 35 cm", np.random.default_rng(1)), COLORS["blue glove"]),
        "VIEW_BLOCKED", "above 0.2 m",
    ),
    (
        "a tool was left in the workspace", "remove it",
        lambda: paint(CLEAN, intruder("drill", np.random.default_rng(0)), (200, 60, 40)),
        "VIEW_BLOCKED", "received",
    ),
    ("the lights are out", "turn the lights on", lambda: lit(GOOD, 0.05), "BAD_EXPOSURE", "too dark"),
    (
        "the image is overexposed", "shorten the exposure, turn auto exposure on",
        lambda: lit(GOOD, 2.5), "BAD_EXPOSURE", "too bright",
    ),
    (
        "depth reads 15 mm too long", "calibrate the camera, including its depth",
        lambda: farther(GOOD, 0.015), "TABLE_MOVED", "-15.0 mm",
    ),
    (
        "depth reads 10 mm too short", "calibrate the camera, including its depth",
        lambda: farther(GOOD, -0.010), "TABLE_MOVED", "+10.0 mm",
    ),
    (
        "the camera is tilted by 2 degrees", "calibrate the camera",
        lambda: farther(GOOD, 0.0, 2.0), "TABLE_MOVED", "deg",
    ),
    (
        "half of the view has no depth", "remove what covers the camera",
        lambda: without_depth(GOOD, pixels(np.s_[:, 320:])), "VIEW_INCOMPLETE", "received 5",
    ),
    (
        "nine tenths of the depth readings are missing", "check lighting and exposure",
        lambda: without_depth(GOOD, np.random.default_rng(0).random(GOOD.depth.shape) < 0.9),
        "VIEW_INCOMPLETE", "received 10%",
    ),
    ("an object gives no depth (black, glossy)", "remove it by hand", coal, "VIEW_INCOMPLETE", "hole"),
    (
        "a strip across the view has no depth", "check the camera",
        lambda: without_depth(GOOD, pixels(np.s_[225:255])), "VIEW_INCOMPLETE", "hole",
    ),
]  # fmt: skip

LATER_VIEWS: list[tuple[str, str, Callable[[], RgbdFrame], str, str]] = [
    (
        "the camera is pushed 8 mm aside during a job", "calibrate the camera",
        lambda: scene(TARGET, x=0.508), "CAMERA_MOVED", "have stayed",
    ),
    (
        "the table sinks by 5 mm during a job", "calibrate the camera",
        lambda: farther(GOOD, 0.005), "CAMERA_MOVED", "-5.0 mm",
    ),
    (
        "half of the lights go out during a job", "turn the lights on again, or start a new job",
        lambda: lit(GOOD, 0.5), "BAD_EXPOSURE", "factor of 0.",
    ),
    (
        "colored light is turned on during a job", "turn the colored light off, or start a new job",
        lambda: lit(GOOD, (100, 100, 75)), "BAD_EXPOSURE", "share",
    ),
    (
        "a heap of objects is added during a job", "start a new job",
        lambda: scene(TARGET, Box((0.62, 0.70), (-0.20, -0.14), 0.05, BROWN)), "VIEW_BLOCKED", "has come into view",
    ),
]  # fmt: skip


def capture_ready(client: Client) -> None:
    until(client.capture.service_is_ready, "capture_heightmap")


def capture(client: Client, *, new_job: bool) -> CaptureHeightmap.Response:
    """The answer for a frame that is taken after this call."""
    now: Time = client.node.get_clock().now().to_msg()
    request = CaptureHeightmap.Request(not_before=now, new_job=new_job, timeout=Duration(sec=20))
    return client.call(client.capture, request)


@pytest.fixture(scope="module")
def shared_view(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Client, ViewCamera]]:
    with running_graph(tmp_path_factory.mktemp("view"), ("heightmap_node",), capture_ready) as graph:
        camera = ViewCamera(graph.client.node, GOOD)
        yield graph.client, camera
        camera.close()


@pytest.fixture
def view(shared_view: tuple[Client, ViewCamera]) -> Iterator[tuple[Client, ViewCamera]]:
    """A job whose first view was good; afterward a good view must be accepted again."""
    client, camera = shared_view
    camera.show(GOOD)
    until(lambda: capture(client, new_job=True).error_code == ErrorCode.NONE, "a frame")
    yield client, camera
    camera.show(GOOD)
    until(lambda: capture(client, new_job=False).error_code == ErrorCode.NONE, "a frame")


def rows(views: list[Any]) -> list[Any]:
    return [pytest.param(*row[2:], marks=fault(*row[:2]), id=row[0].replace(" ", "_")) for row in views]


@pytest.mark.parametrize(("frame", "expected", "words"), rows(FIRST_VIEWS))
def test_a_first_view_is_refused(
    view: tuple[Client, ViewCamera], verdict: Verdict, frame: Callable[[], RgbdFrame], expected: str, words: str
) -> None:
    client, camera = view
    camera.show(frame())
    answer = capture(client, new_job=True)
    verdict.expect(ErrorCode(answer.error_code).name, expected, answer.error_msg)
    assert words in answer.error_msg
    camera.show(GOOD)
    assert capture(client, new_job=True).error_code == ErrorCode.NONE


@pytest.mark.parametrize(("frame", "expected", "words"), rows(LATER_VIEWS))
def test_a_view_during_a_job_is_refused(
    view: tuple[Client, ViewCamera], verdict: Verdict, frame: Callable[[], RgbdFrame], expected: str, words: str
) -> None:
    client, camera = view
    camera.show(frame())
    answer = capture(client, new_job=False)
    verdict.expect(ErrorCode(answer.error_code).name, expected, answer.error_msg)
    assert words in answer.error_msg
