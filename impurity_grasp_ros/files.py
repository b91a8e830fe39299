"""Safe reading of untrusted files, and atomic file writes."""

import os
import stat
from pathlib import Path

KINDS = {
    stat.S_IFIFO: "a named pipe",
    stat.S_IFSOCK: "a socket",
    stat.S_IFCHR: "a device",
    stat.S_IFBLK: "a device",
    stat.S_IFDIR: "a folder",
}
"""Names of the other file types, by their code in ``st_mode``."""


class UnreadableFileError(OSError):
    """The path is not that of a regular file, or the file is too large."""


def check_readable(path: Path, limit: int) -> None:
    """Refuse anything that would block, never end, or fill the memory when read.

    Args:
        path: Path of the file.
        limit: Largest size accepted, in bytes.

    Raises:
        OSError: There is no such file, or its status cannot be read.
        UnreadableFileError: It is a pipe, a device or a folder, or larger than the limit.
    """
    try:
        _check(os.stat(path), limit)
    except ValueError as error:  # a null character in the name
        raise UnreadableFileError(f"expected a path, received {str(path)!r}: {error}") from error


def read_file(path: Path, limit: int) -> bytes:
    """Read a regular file that is not trusted, see :func:`check_readable`.

    Args:
        path: Path of the file.
        limit: Largest size accepted, in bytes.

    Returns:
        The content of the file.

    Raises:
        OSError: There is no such file, or it cannot be read.
        UnreadableFileError: It is a pipe, a device or a folder, or larger than the limit.
    """
    check_readable(path, limit)
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)  # does not block if it has become a pipe
    with os.fdopen(descriptor, "rb") as file:
        _check(os.fstat(descriptor), limit)
        content = file.read(limit + 1)
    if len(content) > limit:
        raise UnreadableFileError(f"expected a file of at most {limit} bytes, received one that grows")
    return content


def _check(found: os.stat_result, limit: int) -> None:
    if not stat.S_ISREG(found.st_mode):
        kind = KINDS.get(stat.S_IFMT(found.st_mode), "something else")
        raise UnreadableFileError(f"expected a regular file, received {kind}")
    if found.st_size > limit:
        raise UnreadableFileError(f"expected a file of at most {limit} bytes, received {found.st_size}")


def write_atomically(path: Path, content: bytes) -> None:
    """Write a file atomically, creating its folder if needed: nobody ever sees a partial file, not even after a crash.

    Args:
        path: Path of the file; an existing file is replaced.
        content: All of its content.

    Raises:
        OSError: The file cannot be written; an existing file is then unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.name}.{os.getpid()}.{os.urandom(4).hex()}")
    try:
        unfinished.write_bytes(content)
        os.replace(unfinished, path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
