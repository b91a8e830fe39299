"""Presets of trainings by their name, in one file of ``config``."""

from __future__ import annotations

from typing import TypeVar

from impurity_grasp_ros.config import from_mapping, read_yaml
from impurity_grasp_ros.errors import ConfigError

T = TypeVar("T")


def preset_names(file: str) -> list[str]:
    """Names of the presets in a file, sorted."""
    return sorted(read_yaml(file))


def load_named(config_type: type[T], file: str, name: str) -> T:
    """Load the preset of this name.

    Args:
        config_type: Type of the presets in the file.
        file: Path, absolute or relative to the package.
        name: Name of the preset.

    Raises:
        ConfigError: The name is unknown, or a value in the file is invalid.
    """
    if name not in preset_names(file):
        raise ConfigError(f"expected one of {', '.join(preset_names(file))}, received {name!r}")
    return from_mapping(config_type, read_yaml(file)[name], f"{name}.")
