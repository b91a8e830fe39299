"""Keeps a folder of recordings below a size."""

from __future__ import annotations

import re
from pathlib import Path

NAME = re.compile(r"\d{4}-\d\d-\d\d_\d\d-\d\d-\d\d_[0-9a-f]{8}-\d+\.mcap")
"""Names of recordings; other files are left alone."""


def delete_oldest(folder: Path, limit: int) -> None:
    """Delete the oldest recordings in a folder until the others are small enough.

    Args:
        folder: The folder.
        limit: Bytes that may be left.

    Raises:
        OSError: A file cannot be deleted.
    """
    recordings = sorted((path for path in folder.iterdir() if NAME.fullmatch(path.name)), reverse=True)
    total = 0
    for path in recordings:  # the newest first
        total += path.stat().st_size
        if total > limit:
            path.unlink()
