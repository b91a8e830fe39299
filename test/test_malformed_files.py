"""Reading a file from a user gives a value or a specific error, whatever the file contains."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import ConfigError, ImpurityGraspError
from impurity_grasp_ros.evaluation.learning_curves import read_progress
from impurity_grasp_ros.evaluation.record import RECORDS, End, from_json, read_episode_records, to_json
from impurity_grasp_ros.evaluation.report import render_report
from impurity_grasp_ros.perception.ordinary_model import load_model
from impurity_grasp_ros.simulation.presets import load_preset
from impurity_grasp_ros.training_progress import PROGRESS

READERS: dict[str, Callable[[Path], Any]] = {
    "preset.yaml": lambda path: load_preset(str(path)),
    "camera.yaml": lambda path: load_calibration(str(path)),
    "cell.yaml": lambda path: load_cell(str(path)),
    "goods.json": lambda path: load_model(path, "0123456789ab", 4),
    RECORDS: lambda path: read_episode_records(path.parent),
    PROGRESS: lambda path: read_progress(path.parent),
}
RECORD = (
    '{"policy": "analytic", "scene": "random", "seed": 1, "quick": false, "config_hash": "0", "commit": "0", '
    '"targets": 1, "others": 5, "budget": 15, "end": "budget", "fault": "", "completed_after": null, '
    '"targets_delivered": 0, "targets_lost": 0, "visible_at_end": 1.0, '
    '"actions": [{"kind": "PUSH", "status": "PUSHED", "attention": "TARGET", '
    '"position": [0.5, 0.0, 0.02], "angle": 0.3, "visible": 1.0, "targets_delivered": 0, "others_delivered": 0, '
    '"decision_seconds": 0.1, "robot_seconds": 4.5, "opening": 0.0}]}'
)
CUBE = {"shape": "cuboid", "width": 0.04, "depth": 0.03, "height": 0.02, "color": "#ff0000", "position": [0.5, 0, 0.01]}
PRESET = {"description": "A test.", "objects": [CUBE]}
ROUND = {"round": 1, "attempts": 24, "transitions": 30, "exploration": 1.0, "loss": 0.1} | {
    "grasp_success": 0.5,
    "push_success": 0.5,
}

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=20), st.just(10**400), st.just("\ud800")
)
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3)
)
AFRESH = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)

NESTED_YAML, NESTED_JSON = b"a: " + b"[" * 20_000 + b"\n", b'{"a":' * 100_000 + b"\n"
BROKEN = {
    "nested YAML": NESTED_YAML,
    "nested JSON": NESTED_JSON,
    "binary": bytes(range(256)) + b"\n",
    "keys of mixed types": b"{1: a, b: c, null: d, [1, 2]: e}\n",
    "tags": b"a: !!timestamp soon\n",
    "empty number": b'a: !!int ""\n',
    "no bool": b"a: !!bool moon\n",
    "aliases": b"a: &a [x, x, x, x, x, x, x, x, x]\nb: &b [*a, *a, *a, *a, *a, *a, *a, *a, *a]\nc: &c [*b, *b, *b]\n",
    "itself": b"&a {a: *a}\n",
    "digits": b'{"seed": ' + b"1" * 5000 + b"}\n",
    "half a character": b'{"policy": "\\ud800"}\n',
}


@pytest.mark.parametrize("content", BROKEN.values(), ids=list(BROKEN))
@pytest.mark.parametrize("name", READERS)
def test_a_broken_file_is_a_named_error_of_a_line_or_two(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(ConfigError) as raised:
        READERS[name](path)
    assert len(str(raised.value)) < 3000


@pytest.mark.timeout(20)
@pytest.mark.parametrize("name", READERS)
def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path, name: str) -> None:
    os.mkfifo(tmp_path / name)
    with pytest.raises(ConfigError, match="expected a regular file, received a named pipe"):
        READERS[name](tmp_path / name)


@AFRESH
@given(content=st.binary(max_size=200) | st.text(max_size=200).map(str.encode))
@pytest.mark.parametrize("name", READERS)
def test_any_bytes_give_a_value_or_a_named_error(tmp_path: Path, name: str, content: bytes) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with suppress(ConfigError):
        assert READERS[name](path) == []  # no line at all


@AFRESH
@given(values=st.dictionaries(st.sampled_from([*PRESET, "camera", "textures"]) | SCALARS, VALUES, max_size=4))
def test_any_values_in_a_preset_give_a_named_error(tmp_path: Path, values: dict[Any, Any]) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(yaml.dump(PRESET | values), encoding="utf-8", errors="replace")
    with suppress(ConfigError):
        load_preset(str(path))


@AFRESH
@given(key=st.sampled_from([*CUBE, "rpy", "yaw", "target", "moon"]), value=VALUES)
def test_any_value_in_a_row_of_a_preset_gives_a_named_error(tmp_path: Path, key: str, value: Any) -> None:
    path = tmp_path / "preset.yaml"
    path.write_text(yaml.dump(PRESET | {"objects": [CUBE | {key: value}]}), encoding="utf-8", errors="replace")
    with suppress(ConfigError):
        load_preset(str(path))


@pytest.mark.parametrize("name", ["x" * 5000 + ".yaml", "~nobody-here/scene.yaml", "a\0b.yaml", "/.yaml", "\n.yaml"])
def test_an_invalid_path_is_a_named_error(name: str) -> None:
    with pytest.raises(ImpurityGraspError, match="expected"):
        load_preset(name)


@AFRESH
@given(key=st.sampled_from(["network", "ordinary", "odd"]), value=VALUES | st.lists(st.lists(SCALARS, max_size=5)))
def test_any_value_in_a_model_of_ordinary_objects_gives_a_model_or_a_named_error(
    tmp_path: Path, key: str, value: Any
) -> None:
    path = tmp_path / "goods.json"
    content = {"network": "0123456789ab", "ordinary": [[0.0, 1.0, 2.0, 3.0]], "odd": [], key: value}
    path.write_text(json.dumps(content), encoding="utf-8")
    with suppress(ConfigError):
        assert np.isfinite(load_model(path, "0123456789ab", 4).first).all()


class Elements(HTMLParser):
    """Collects the names of all elements of a page; texts from files must not add any."""

    def __init__(self) -> None:
        super().__init__()
        self.names: set[str] = set()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.names.add(tag)


@settings(AFRESH, max_examples=150)
@given(data=st.data())
def test_a_record_with_any_value_is_refused_or_reported_without_becoming_part_of_the_page(data: st.DataObject) -> None:
    values = json.loads(RECORD)
    inside = data.draw(st.booleans())
    target = values["actions"][0] if inside else values
    markup = st.sampled_from(["<script>alert(1)</script>", '"><img src=x onerror=y>', 1e308, -1, "7"])
    target[data.draw(st.sampled_from(sorted(target)))] = data.draw(markup | VALUES)
    with suppress(ConfigError):
        record = from_json(json.dumps(values))
        page = render_report([record], [], [], datetime(2026, 1, 2))
        page.encode()
        elements = Elements()
        elements.feed(page)
        assert not elements.names & {"script", "img"}


@pytest.mark.parametrize(
    ("key", "value"),
    [("seed", "<b>1</b>"), ("targets", "2"), ("targets_delivered", -1), ("budget", 1.5), ("completed_after", 7),
     ("quick", "yes"), ("policy", 3), ("policy", "\ud800"), ("end", ["budget"]), ("actions", {"kind": "PUSH"}),
     ("visible_at_end", float("nan")), ("targets_lost", 2), ("moon", 1)],
)  # fmt: skip
def test_a_value_that_is_not_what_its_field_says_is_refused_by_name(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"expected the record of an episode.*{key}|received -?\d+ delivered"):
        from_json(json.dumps(json.loads(RECORD) | {key: value}))


def test_the_unchanged_record_is_valid() -> None:
    assert from_json(RECORD).end is End.BUDGET
    assert json.loads(to_json(from_json(RECORD))) == json.loads(RECORD)


@AFRESH
@given(key=st.sampled_from(sorted(ROUND)), value=VALUES | st.floats(0.0, 1.0))
def test_a_round_with_any_value_is_refused_or_drawn(tmp_path: Path, key: str, value: Any) -> None:
    lines = [json.dumps(ROUND), json.dumps(ROUND | {key: value})]
    (tmp_path / PROGRESS).write_text("\n".join(lines) + "\n", encoding="utf-8")
    with suppress(ConfigError):
        assert "<svg" in render_report([], read_progress(tmp_path), [], datetime(2026, 1, 2))
