"""Times and headers of messages."""

from __future__ import annotations

from builtin_interfaces.msg import Duration, Time
from std_msgs.msg import Header

BASE_FRAME = "base_link"


def to_time(seconds: float) -> Time:
    """A time in seconds as a stamp."""
    nanoseconds = round(seconds * 1e9)
    return Time(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def to_duration(seconds: float) -> Duration:
    """A number of seconds as a duration."""
    nanoseconds = round(seconds * 1e9)
    return Duration(sec=nanoseconds // 10**9, nanosec=nanoseconds % 10**9)


def to_seconds(stamp: Time | Duration) -> float:
    """A stamp or a duration in seconds."""
    return stamp.sec + stamp.nanosec * 1e-9


def to_header(stamp: float, frame: str = BASE_FRAME) -> Header:
    """The header for a stamp in seconds and a frame ID."""
    return Header(stamp=to_time(stamp), frame_id=frame)
