"""Values in the types that JSON has."""

from __future__ import annotations

import math
from dataclasses import fields, is_dataclass
from enum import Enum
from typing import Any


def plain(value: Any) -> Any:
    """Return a value in types that JSON has.

    Args:
        value: Dataclasses, enumerations, tuples, numbers, texts and None, nested in any way.

    Returns:
        Dataclasses as dictionaries, enumerations as names, tuples as lists, and None for numbers that are not finite.
    """
    if isinstance(value, Enum):
        return value.name
    if is_dataclass(value):
        return {item.name: plain(getattr(value, item.name)) for item in fields(value)}
    if isinstance(value, (tuple, list)):
        return [plain(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
