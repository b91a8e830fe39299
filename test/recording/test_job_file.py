"""A recording is read as it was written; one that was cut off is read up to there; damage is named."""

from __future__ import annotations

import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from impurity_grasp_ros.errors import ErrorCode, RecordingError
from impurity_grasp_ros.recording.job_file import Description, JobFile, Kind, Recorded, read
from impurity_grasp_ros.recording.keeping import delete_oldest

IMAGE, TEXT = Kind("sensor_msgs/msg/Image", "uint8[] data"), Kind("std_msgs/msg/String", "string data")
LARGE = 10**9


def written(path: Path, messages: int = 40, size: int = 30_000) -> list[Recorded | Description]:
    """Write a recording, and return what is in it."""
    rng = np.random.default_rng(0)
    items: list[Recorded | Description] = [Description("recording", {"job": "a-1", "text": "grüße"})]
    with JobFile(path, LARGE) as file:
        file.describe("recording", {"job": "a-1", "text": "grüße"})
        for number in range(messages):
            topic, kind = (("image", IMAGE), ("text", TEXT))[number % 2]
            data = rng.bytes(size)
            file.add(topic, kind, data, 10 + number)
            items.append(Recorded(topic, kind.name, data, 10 + number))
    return items


def test_what_was_recorded_is_read_in_order(tmp_path: Path) -> None:
    items = written(tmp_path / "job.mcap")
    assert list(read(tmp_path / "job.mcap")) == items


@pytest.mark.parametrize("share", [0.02, 0.3, 0.5, 0.77, 0.99])
def test_a_recording_that_was_cut_off_is_read_up_to_there(tmp_path: Path, share: float) -> None:
    items = written(tmp_path / "job.mcap")
    content = (tmp_path / "job.mcap").read_bytes()
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(content[: int(share * len(content))])
    found = list(read(cut))
    assert found == items[: len(found)]
    assert len(found) >= len(items) * share - 12, "at most one chunk of messages is lost"


def test_after_sigkill_all_but_the_last_chunk_is_there(tmp_path: Path) -> None:
    code = f"""
import sys, time
from pathlib import Path
from impurity_grasp_ros.recording.job_file import JobFile, Kind
file = JobFile(Path({str(tmp_path / "job.mcap")!r}), 10**9)
for number in range(50):
    file.add("text", Kind("std_msgs/msg/String", "string data"), number.to_bytes(4, "big") * 10_000, number)
print("written", flush=True)
time.sleep(60)
"""
    process = subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "written\n"
    process.send_signal(signal.SIGKILL)
    process.wait()
    found = [item for item in read(tmp_path / "job.mcap") if isinstance(item, Recorded)]
    assert [item.stamp for item in found] == list(range(len(found)))
    assert len(found) >= 50 - 7  # of 40 kB each


@pytest.mark.parametrize("place", [0.1, 0.5, 0.9])
def test_damage_is_named(tmp_path: Path, place: float) -> None:
    written(tmp_path / "job.mcap")
    content = bytearray((tmp_path / "job.mcap").read_bytes())
    start = int(place * len(content))
    content[start : start + 50] = bytes(50)
    (tmp_path / "job.mcap").write_bytes(content)
    with pytest.raises(RecordingError, match=r"job\.mcap: expected a recording") as raised:
        list(read(tmp_path / "job.mcap"))
    assert raised.value.code is ErrorCode.INVALID_RECORDING


@pytest.mark.parametrize("content", [b"\0" * 100, b"no recording at all, but a text"])
def test_another_file_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "other.mcap"
    path.write_bytes(content)
    with pytest.raises(RecordingError, match=r"other\.mcap: expected a recording"):
        list(read(path))
    with pytest.raises(RecordingError, match="expected a recording"):
        list(read(tmp_path / "missing.mcap"))


def test_a_file_grows_to_its_limit_only_and_can_be_read(tmp_path: Path) -> None:
    path, rng = tmp_path / "job.mcap", np.random.default_rng(0)
    with JobFile(path, 2_000_000) as file:
        for number in range(200):
            file.add("image", IMAGE, rng.bytes(50_000), number)
        assert file.is_full
    assert 2_000_000 < path.stat().st_size < 2_500_000
    stamps = [item.stamp for item in read(path) if isinstance(item, Recorded)]
    assert stamps == list(range(len(stamps)))
    assert len(stamps) > 35


def test_a_recording_is_never_overwritten(tmp_path: Path) -> None:
    items = written(tmp_path / "job.mcap")
    with pytest.raises(FileExistsError):
        JobFile(tmp_path / "job.mcap", LARGE)
    assert list(read(tmp_path / "job.mcap")) == items


def test_the_oldest_recordings_are_deleted_and_nothing_else(tmp_path: Path) -> None:
    names = [f"2026-01-0{day}_10-00-00_0123abcd-1.mcap" for day in (1, 2, 3, 4)]
    others = ["2025-01-01_10-00-00_notes.mcap", "2025-01-01_10-00-00_0123abcd-1.mcap.txt", "data.mcap"]
    for name in names + others:
        (tmp_path / name).write_bytes(bytes(100))
    delete_oldest(tmp_path, 400)
    assert len(list(tmp_path.iterdir())) == 7
    delete_oldest(tmp_path, 250)
    assert {path.name for path in tmp_path.iterdir()} == {*names[2:], *others}
    delete_oldest(tmp_path, 0)
    assert {path.name for path in tmp_path.iterdir()} == set(others)
