"""Lines of JSON become dataclasses of exactly the documented types, or are refused with what is wrong."""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.json_lines import from_object, parse_object, read_lines


class Color(Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Part:
    name: str
    size: float


@dataclass(frozen=True)
class Thing:
    count: int
    share: float
    good: bool
    color: Color
    place: tuple[float, float, float]
    parts: tuple[Part, ...]
    seen: float | None
    last: int | None


VALUES: dict[str, Any] = {
    "count": 3,
    "share": 0.25,
    "good": True,
    "color": "blue",
    "place": [1.0, 2, -0.5],
    "parts": [{"name": "a", "size": 1.0}, {"name": "b", "size": 2}],
    "seen": None,
    "last": 7,
}
THING = Thing(3, 0.25, True, Color.BLUE, (1.0, 2.0, -0.5), (Part("a", 1.0), Part("b", 2.0)), None, 7)


def test_an_object_becomes_the_dataclass() -> None:
    thing = from_object(Thing, VALUES)
    assert thing == THING
    assert all(type(value) is float for value in (*thing.place, thing.parts[1].size))
    assert from_object(Thing, VALUES | {"seen": 1, "parts": []}).seen == 1.0


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"count": 3.0}, "count: expected int, received 3.0"),
        ({"count": True}, "count: expected int, received True"),
        ({"count": None}, "count: expected int, received None"),
        ({"count": 2**53 + 1}, "count: expected a number of at most 9007199254740992"),
        ({"count": -(2**53) - 1}, "count: expected a number of at most 9007199254740992"),
        ({"share": 2**53 + 1}, "share: expected a number of at most"),
        ({"share": "0.25"}, "share: expected float, received '0.25'"),
        ({"share": math.nan}, "share: expected a finite number, received nan"),
        ({"share": math.inf}, "share: expected a finite number, received inf"),
        ({"good": 1}, "good: expected bool, received 1"),
        ({"color": "green"}, "color: expected one of red, blue, received 'green'"),
        ({"place": [1.0, 2.0]}, "place: expected a list"),
        ({"place": [1.0, 2.0, 3.0, 4.0]}, "place: expected a list"),
        ({"place": "abc"}, "place: expected a list"),
        ({"place": [1.0, 2.0, None]}, "place: expected float, received None"),
        ({"parts": {}}, "parts: expected a list"),
        ({"parts": [3]}, "Part: expected an object, received 3"),
        ({"parts": [{"name": "a"}]}, "size: expected the fields name, size, received"),
        ({"parts": [{"name": "\ud800", "size": 1.0}]}, "name: expected a text of valid characters"),
        ({"seen": "no"}, "seen: expected float, received 'no'"),
        ({"extra": 1}, "extra: expected the fields count, share, good"),
    ],
)
def test_what_is_not_as_documented_is_refused_by_its_name(change: dict[str, Any], words: str) -> None:
    with pytest.raises(ConfigError, match=f"^{words}"):
        from_object(Thing, VALUES | change)


@pytest.mark.parametrize("name", VALUES)
def test_a_missing_field_is_refused(name: str) -> None:
    values = {key: value for key, value in VALUES.items() if key != name}
    with pytest.raises(ConfigError, match=f"^{name}: expected the fields"):
        from_object(Thing, values)


@pytest.mark.parametrize("count", [2**53, -(2**53)])
def test_the_largest_integers_are_taken(count: int) -> None:
    assert from_object(Thing, VALUES | {"count": count}).count == count


def test_nothing_measured_is_taken_where_it_may_be() -> None:
    values = VALUES | {"share": math.nan, "place": [math.nan, 0.0, 0.0], "parts": [{"name": "a", "size": math.nan}]}
    thing = from_object(Thing, values | {"seen": math.nan}, nan=True)
    assert all(math.isnan(value) for value in (thing.share, thing.place[0], thing.parts[0].size, thing.seen or 0.0))
    with pytest.raises(ConfigError, match="share: expected a finite number"):
        from_object(Thing, VALUES | {"share": -math.inf}, nan=True)


@pytest.mark.parametrize("values", [[], None, 3, "moon"])
def test_what_is_no_object_is_refused(values: Any) -> None:
    with pytest.raises(ConfigError, match="Thing: expected an object, received"):
        from_object(Thing, values)


@pytest.mark.parametrize("line", ["", "moon", "[1]", "3", "null", "[" * 100_000, '{"a": 1'])
def test_a_line_without_an_object_is_refused(line: str) -> None:
    with pytest.raises(ConfigError, match=r"^expected a JSON object, received"):
        parse_object(line)


@settings(max_examples=40)
@given(st.dictionaries(st.text(max_size=5), st.one_of(st.integers(), st.text(max_size=5), st.none()), max_size=4))
def test_an_object_in_a_line_is_read_as_it_is(values: dict[str, Any]) -> None:
    assert parse_object(json.dumps(values)) == values


def test_a_line_that_was_never_finished_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    for content, lines in (("", []), ("a", []), ("a\n", ["a"]), ("a\n\nbä\nc", ["a", "", "bä"])):
        path.write_text(content, encoding="utf-8")
        assert read_lines(path) == lines


def test_a_file_that_is_none_or_no_text_is_refused_by_its_name(tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    broken.write_bytes(b"\xff\xfe\n")
    for path in (tmp_path, tmp_path / "missing", broken):
        with pytest.raises(ConfigError, match=f"^{path}: expected a text file of one JSON object a line: "):
            read_lines(path)


def test_a_file_that_would_fill_the_memory_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(500_000_001)  # takes no room on the disk
    with pytest.raises(ConfigError, match="at most 500000000 bytes"):
        read_lines(path)
