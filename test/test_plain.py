"""Values become what JSON has, and nothing else."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import Enum, IntEnum

from impurity_grasp_ros.plain import plain


class Color(Enum):
    RED = 0


class Number(IntEnum):
    ONE = 1


@dataclass
class Inner:
    numbers: tuple[float, ...]


@dataclass
class Outer:
    color: Color
    number: Number
    inner: Inner
    nothing: None


def test_nested_values_become_plain() -> None:
    value = Outer(Color.RED, Number.ONE, Inner((1.0, 2.0)), None)
    assert plain(value) == {"color": "RED", "number": "ONE", "inner": {"numbers": [1.0, 2.0]}, "nothing": None}
    assert json.loads(json.dumps(plain([value, "text", True, 3]), allow_nan=False))[1:] == ["text", True, 3]


def test_numbers_that_json_has_not_are_none() -> None:
    assert plain((math.nan, math.inf, -math.inf, 0.5)) == [None, None, None, 0.5]
