"""Definitions of message types as text, with those of the types in them, as recordings hold them."""

from __future__ import annotations

import re
from functools import lru_cache
from typing import Any

from ament_index_python.packages import get_package_share_path

from impurity_grasp_ros.recording.job_file import Kind

BUILT_IN = frozenset(
    {
        *("bool", "byte", "char", "float32", "float64", "string", "wstring"),
        *(f"{sign}int{bits}" for sign in ("", "u") for bits in (8, 16, 32, 64)),
    }
)
FIELD = re.compile(r"^\s*([\w/]+?)(?:<=\d+)?(?:\[[<=\d]*\])?\s+\w+\s*(?:$|[^=\s].*$)")
"""A line that declares a field, and not a constant; the group is its type."""


@lru_cache
def kind_of(message: Any) -> Kind:
    """The type of a message for a recording.

    Args:
        message: The class of the message.

    Returns:
        Its name and its definition, followed by those of all types in it.
    """
    package, name = message.__module__.split(".")[0], message.__name__
    texts: dict[str, str] = {}
    _collect(f"{package}/{name}", texts)
    (_, first), *others = texts.items()
    parts = [first, *(f"MSG: {other}\n{text}" for other, text in others)]
    return Kind(f"{package}/msg/{name}", f"\n{'=' * 80}\n".join(parts))


def _collect(name: str, texts: dict[str, str]) -> None:
    """Add the definition of a type and those of the types in it."""
    if name in texts:
        return
    package, _, short = name.partition("/")
    texts[name] = (get_package_share_path(package) / "msg" / f"{short}.msg").read_text(encoding="utf-8")
    for line in texts[name].splitlines():
        found = FIELD.match(line.partition("#")[0])
        if found and found[1] not in BUILT_IN:
            kind = found[1].replace("/msg/", "/")
            _collect(kind if "/" in kind else "std_msgs/Header" if kind == "Header" else f"{package}/{kind}", texts)
