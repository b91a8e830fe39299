"""Files of one JSON object per line: read into dataclasses, checked against their type hints, and appended to."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import fields, is_dataclass
from enum import Enum
from pathlib import Path
from types import NoneType, UnionType
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from impurity_grasp_ros.config import is_text, shown
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file

T = TypeVar("T")

MAX_FILE_BYTES = 500_000_000
MAX_INTEGER = 2**53
"""Larger integers are neither counts nor seeds, and not every JSON reader keeps them exactly."""


def read_lines(path: Path) -> list[str]:
    """Read the complete lines of a file; an unfinished last line is left out.

    Args:
        path: The file.

    Returns:
        The lines without their line ends.

    Raises:
        ConfigError: The file is missing, not a regular file, larger than MAX_FILE_BYTES or not UTF-8 text.
    """
    try:
        return read_file(path, MAX_FILE_BYTES).decode("utf-8").split("\n")[:-1]
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: expected a text file of one JSON object a line: {error}") from error


def append_line(path: Path, line: str) -> None:
    """Append a line to a file. The file and its folder are created if need be.

    Args:
        path: The file.
        line: Without a line end. It replaces an unfinished last line, which an interrupted run may have left.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(line.encode() + b"\n")


def parse_object(line: str) -> dict[str, Any]:
    """Parse a JSON object.

    Args:
        line: JSON text.

    Returns:
        The values of the object by name.

    Raises:
        ConfigError: The text is not valid JSON, or not an object.
    """
    try:
        values = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise ConfigError(f"expected a JSON object, received {shown(line)}: {error}") from error
    if not isinstance(values, dict):
        raise ConfigError(f"expected a JSON object, received {shown(line)}")
    return values


def from_object(kind: type[T], values: Any, *, nan: bool = False) -> T:
    """Make a dataclass from a JSON object that has exactly its fields.

    Args:
        kind: A dataclass whose fields are bool, int, float, str, an Enum, a dataclass, tuples of these, or optional.
        values: As ``json.loads`` returns them.
        nan: Whether a number may be NaN, which stands for "nothing was measured".

    Returns:
        The instance.

    Raises:
        ConfigError: A field is missing, unknown or of another type.
    """
    if not isinstance(values, dict):
        raise ConfigError(f"{kind.__name__}: expected an object, received {shown(values)}")
    names = [item.name for item in fields(kind)]  # type: ignore[arg-type]
    if wrong := sorted(set(names) ^ set(values)):
        raise ConfigError(f"{wrong[0]}: expected the fields {', '.join(names)}, received {shown(sorted(values))}")
    hints = get_type_hints(kind)
    return kind(**{name: _typed(name, hints[name], values[name], nan) for name in names})


def parse_record(kind: type[T], plan_kind: type, line: str, what: str, check: Callable[[T], None]) -> T:
    """Parse a record whose plan's fields stand beside its own.

    Args:
        kind: Dataclass of the record, with a field ``plan``.
        plan_kind: Dataclass of the plan.
        line: JSON text.
        what: What it is the record of, for messages.
        check: Raises ConfigError if a number is impossible.

    Returns:
        The record.

    Raises:
        ConfigError: A field is missing, unknown or of another type, or the check fails.
    """
    try:
        values = parse_object(line)
        plan = {item.name: values.pop(item.name) for item in fields(plan_kind) if item.name in values}
        record = from_object(kind, values | {"plan": plan})
        check(record)
    except ConfigError as error:
        raise ConfigError(f"expected the record of {what}, received {shown(line)}: {error}") from error
    return record


def _typed(name: str, hint: Any, value: Any, nan: bool) -> Any:
    """The value converted to its type hint; raises ConfigError."""
    if is_dataclass(hint):
        return from_object(hint, value, nan=nan)  # type: ignore[arg-type]
    if get_origin(hint) is UnionType:
        inner = next(kind for kind in get_args(hint) if kind is not NoneType)
        return None if value is None else _typed(name, inner, value, nan)
    if get_origin(hint) is tuple:
        return _typed_tuple(name, get_args(hint), value, nan)
    if issubclass(hint, Enum):
        if value not in [item.value for item in hint]:
            raise ConfigError(f"{name}: expected one of {', '.join(i.value for i in hint)}, received {shown(value)}")
        return hint(value)
    return _typed_scalar(name, hint, value, nan)


def _typed_tuple(name: str, hints: tuple[Any, ...], value: Any, nan: bool) -> tuple[Any, ...]:
    open_ended = hints[-1] is Ellipsis
    if not isinstance(value, list) or not (open_ended or len(value) == len(hints)):
        raise ConfigError(f"{name}: expected a list, received {shown(value)}")
    return tuple(_typed(name, hints[0], item, nan) for item in value)


def _typed_scalar(name: str, hint: Any, value: Any, nan: bool) -> Any:
    if type(value) is int and abs(value) > MAX_INTEGER:
        raise ConfigError(f"{name}: expected a number of at most {MAX_INTEGER}, received {shown(value)}")
    if hint is float and type(value) is int:
        value = float(value)
    if type(value) is not hint:
        raise ConfigError(f"{name}: expected {hint.__name__}, received {shown(value)}")
    if hint is float and not (math.isfinite(value) or (nan and math.isnan(value))):
        raise ConfigError(f"{name}: expected a finite number, received {value}")
    if hint is str and not is_text(value):
        raise ConfigError(f"{name}: expected a text of valid characters, received {shown(value)}")
    return value
