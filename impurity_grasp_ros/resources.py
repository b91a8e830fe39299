"""Locations of the files that ship with the package: configuration, scenes, robot description."""

import os
import sys
from collections.abc import Iterator
from pathlib import Path

from impurity_grasp_ros.errors import ConfigError

PACKAGE = "impurity_grasp"
"""Name of the ROS package."""


def _roots() -> Iterator[Path]:
    yield Path(__file__).resolve().parents[1]  # a checkout, or an install that links to one
    for prefix in filter(None, os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep)):
        yield Path(prefix) / "share" / PACKAGE
    yield Path(sys.prefix) / "share" / PACKAGE


def resource(name: str) -> Path:
    """Return the path of a shipped file.

    Args:
        name: Path relative to the package, such as ``config/scenes/random.yaml``, or an absolute path.

    Returns:
        The path of an existing file or folder.

    Raises:
        ConfigError: There is no such file or folder.
    """
    tried = [root / name for root in _roots()]  # joining an absolute path yields that path
    for path in tried:
        if path.exists():
            return path
    raise ConfigError(f"expected a file {name}, found none of {', '.join(sorted({str(path) for path in tried}))}")
