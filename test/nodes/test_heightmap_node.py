"""Images are paired by stamp while others arrive."""

from __future__ import annotations

from builtin_interfaces.msg import Time
from sensor_msgs.msg import Image
from std_msgs.msg import Header

from impurity_grasp_ros.nodes.camera_streams import Streams


def image(seconds: int) -> Image:
    return Image(header=Header(stamp=Time(sec=seconds)))


class Followed:
    """An image during the look at which the next ones arrive."""

    def __init__(self, streams: Streams, seconds: int) -> None:
        self._streams = streams
        self._header = Header(stamp=Time(sec=seconds))

    @property
    def header(self) -> Header:
        self._streams.color.append(image(100))
        self._streams.add_depth(image(100))
        return self._header


def test_images_that_arrive_while_a_pair_is_looked_for_do_no_harm() -> None:
    streams = Streams()
    for seconds in range(1, 9):
        streams.color.append(Followed(streams, seconds))  # type: ignore[arg-type]
        streams.add_depth(Followed(streams, seconds))  # type: ignore[arg-type]
    pair = streams.pair(0.0, 5.0, 0.02)
    assert pair is not None
    assert [part._header.stamp.sec for part in pair] == [5, 5]  # type: ignore[attr-defined]


def test_the_newest_complete_frame_between_two_times_is_taken() -> None:
    streams = Streams()
    streams.color.extend(image(seconds) for seconds in (1, 2, 4))
    for seconds in (1, 2, 3):
        streams.add_depth(image(seconds))
    pair = streams.pair(0.0, 10.0, 0.02)
    assert pair is not None
    assert [part.header.stamp.sec for part in pair] == [2, 2]
    assert streams.pair(2.5, 10.0, 0.02) is None


def test_of_images_that_arrived_before_a_job_none_is_taken_however_new_its_stamp() -> None:
    streams = Streams()
    streams.color.extend(image(seconds) for seconds in (9, 10, 11))
    for seconds in (11, 10):
        streams.add_depth(image(seconds))
    before_the_job = streams.arrived
    assert streams.pair(0.0, 20.0, 0.02, after=before_the_job) is None
    streams.add_depth(image(9))
    assert streams.pair(9.5, 20.0, 0.02, after=before_the_job) is None
    pair = streams.pair(0.0, 20.0, 0.02, after=before_the_job)
    assert pair is not None
    assert [part.header.stamp.sec for part in pair] == [9, 9]
