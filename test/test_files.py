"""Files are written atomically, and only regular files are read."""

import os
from pathlib import Path

import pytest

from impurity_grasp_ros import files
from impurity_grasp_ros.files import UnreadableFileError, read_file, write_atomically


def test_a_file_is_written_with_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "a" / "b.txt"
    write_atomically(path, b"first")
    write_atomically(path, b"second")
    assert path.read_bytes() == b"second"
    assert [item.name for item in path.parent.iterdir()] == ["b.txt"]


def test_a_write_that_fails_leaves_the_old_file_and_nothing_else(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "b.txt"
    write_atomically(path, b"old")

    def no_space(source: str, target: Path) -> None:
        raise OSError("no space left")

    monkeypatch.setattr(files.os, "replace", no_space)
    with pytest.raises(OSError, match="no space"):
        write_atomically(path, b"new")
    assert path.read_bytes() == b"old"
    assert len(list(tmp_path.iterdir())) == 1


def test_a_regular_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    path = tmp_path / "b.txt"
    path.write_bytes(b"12345678")
    assert read_file(path, 8) == b"12345678"
    with pytest.raises(UnreadableFileError, match="expected a file of at most 7 bytes, received 8"):
        read_file(path, 7)


@pytest.mark.timeout(20)
def test_anything_but_a_regular_file_is_refused_at_once(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(UnreadableFileError, match=f"expected a regular file, received {kind}"):
            read_file(path, 100)
    with pytest.raises(UnreadableFileError, match="null"):
        read_file(Path("a\0b"), 100)
    with pytest.raises(FileNotFoundError):
        read_file(tmp_path / "nowhere", 100)
