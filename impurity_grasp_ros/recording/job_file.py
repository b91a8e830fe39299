"""One job as an MCAP file (https://mcap.dev), in chunks that can be read even if the file was never finished."""

from __future__ import annotations

import contextlib
import struct
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import NamedTuple

from mcap.exceptions import EndOfFile, McapError
from mcap.records import Channel, Message, Metadata, Schema
from mcap.stream_reader import StreamReader
from mcap.well_known import MessageEncoding, Profile, SchemaEncoding
from mcap.writer import Writer
from zstandard import ZstdError

from impurity_grasp_ros.errors import RecordingError

SUFFIX = ".mcap"

RECORDING, PARAMETERS = "recording", "parameters of "
"""Names of descriptions: of the recording itself, and of a node's parameters, before the name of the node."""

CHUNK = 256 * 1024
"""Bytes that are collected before they are compressed and written: at most these are lost if the process is killed."""


class Kind(NamedTuple):
    """The type of a topic's messages.

    Attributes:
        name: Such as ``std_msgs/msg/Header``.
        definition: Its definition and those of the types in it, as rosbag2 concatenates them.
    """

    name: str
    definition: str


class Recorded(NamedTuple):
    """A message in a recording.

    Attributes:
        topic: Name of its topic.
        kind: Name of its type.
        data: The message in the Common Data Representation.
        stamp: Nanoseconds, ROS time of its arrival.
    """

    topic: str
    kind: str
    data: bytes
    stamp: int


class JobFile:
    """A context manager that writes a recording.

    Args:
        path: The file; it must not exist.
        limit: Bytes after which nothing is added.

    Raises:
        OSError: The file cannot be written.
    """

    def __init__(self, path: Path, limit: int) -> None:
        self.path = path
        self._limit = limit
        self._file = path.open("xb")
        self._writer = Writer(self._file, chunk_size=CHUNK)
        self._writer.start(profile=Profile.ROS2)
        self._channels: dict[str, int] = {}

    def __enter__(self) -> JobFile:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    def size(self) -> int:
        """Bytes written so far."""
        return self._file.tell()

    @property
    def is_full(self) -> bool:
        """Whether the limit is reached."""
        return self.size > self._limit

    def add(self, topic: str, kind: Kind, data: bytes, stamp: int) -> None:
        """Add a message, unless the file is full.

        Args:
            topic: Name of its topic.
            kind: Its type.
            data: The message in the Common Data Representation.
            stamp: Nanoseconds, ROS time of its arrival.

        Raises:
            OSError: The file cannot be written.
        """
        if self.is_full:
            return
        if topic not in self._channels:
            schema = self._writer.register_schema(kind.name, SchemaEncoding.ROS2, kind.definition.encode())
            self._channels[topic] = self._writer.register_channel(
                topic, MessageEncoding.CDR, schema, {"offered_qos_profiles": ""}
            )
        self._writer.add_message(self._channels[topic], stamp, data, stamp)
        self._file.flush()

    def describe(self, name: str, values: Mapping[str, str]) -> None:
        """Add what does not belong to a moment, such as parameters.

        Args:
            name: What it is about.
            values: Texts by name.

        Raises:
            OSError: The file cannot be written.
        """
        self._writer.add_metadata(name, dict(values))
        self._file.flush()

    def abandon(self) -> None:
        """Close the file as it is, after an error."""
        with contextlib.suppress(OSError):  # it would tell again what is known
            self._file.close()

    def close(self) -> None:
        """Write the index and close the file."""
        try:
            self._writer.finish()  # type: ignore[no-untyped-call]
        finally:
            self._file.close()


class Description(NamedTuple):
    """What :meth:`JobFile.describe` has added to a recording."""

    name: str
    values: dict[str, str]


def read(path: Path) -> Iterator[Recorded | Description]:
    """Read a recording, also one that was not finished.

    Args:
        path: The file.

    Yields:
        Its messages and descriptions, in the order in which they were added.

    Raises:
        RecordingError: The file cannot be read, is damaged, or is no recording.
    """
    channels: dict[int, Channel] = {}
    schemas: dict[int, Schema] = {}
    try:
        with path.open("rb") as file:
            for record in StreamReader(file, validate_crcs=True).records:
                if isinstance(record, Schema):
                    schemas[record.id] = record
                elif isinstance(record, Channel):
                    channels[record.id] = record
                elif isinstance(record, Message):
                    channel = channels[record.channel_id]
                    yield Recorded(channel.topic, schemas[channel.schema_id].name, record.data, record.log_time)
                elif isinstance(record, Metadata):
                    yield Description(record.name, record.metadata)
    except EndOfFile:
        return  # what was being written when the process was killed
    except (OSError, McapError, ZstdError, ValueError, KeyError, struct.error) as error:
        raise RecordingError(f"{path}: expected a recording: {error}") from error
