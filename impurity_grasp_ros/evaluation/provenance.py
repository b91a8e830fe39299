"""Provenance of a record: which code, configuration and weights it came from."""

from __future__ import annotations

import hashlib
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource

HASHED = (("config", "*.yaml"), ("models", "*.safetensors"))
"""Shipped folders, and the pattern of the files in them, at any depth, on which an episode depends."""


def shipped_files_hash(others: Iterable[Path] = ()) -> str:
    """Hash what an episode depends on.

    Args:
        others: Further files, such as those of a preset.

    Returns:
        SHA-256 over the names and contents of all shipped configuration and weights, and over the contents of the other
        files: its first twelve hexadecimal digits.
    """
    digest = hashlib.sha256()
    for name, content in (*_hashed_files(), *(("", path.read_bytes()) for path in others)):
        digest.update(f"{name}\0{len(content)}\0".encode() + content)
    return digest.hexdigest()[:12]


def commit() -> str:
    """The commit of the checkout, followed by ``+`` if files differ from it; ``unknown`` outside a checkout."""
    try:
        head = _git("rev-parse", "--short=12", "HEAD")
        return head + ("+" if _git("status", "--porcelain") else "")
    except (OSError, subprocess.SubprocessError):
        return "unknown"


def _hashed_files() -> Iterator[tuple[str, bytes]]:
    for folder_name, pattern in HASHED:
        try:
            folder = resource(folder_name)
        except ConfigError:  # an install may ship no weights
            continue
        for path in sorted(folder.rglob(pattern)):
            yield f"{folder_name}/{path.relative_to(folder).as_posix()}", path.read_bytes()


def _git(*arguments: str) -> str:
    command = ["git", "--no-optional-locks", *arguments]
    root = Path(__file__).resolve().parents[2]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, timeout=20, check=True)
    return done.stdout.strip()
