"""The rounds of a training from its file, and their curves."""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from markup import texts

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.learning_curves import learning_curves, moving_mean, read_progress, summary
from impurity_grasp_ros.training_progress import RoundReport

ROUND: dict[str, Any] = {
    "round": 1,
    "attempts": 24,
    "transitions": 30,
    "exploration": 0.5,
    "loss": 0.25,
    "grasp_success": math.nan,
    "push_success": 0.75,
}


def write(folder: Path, *rounds: dict[str, Any]) -> None:
    (folder / "progress.jsonl").write_text("".join(json.dumps(item) + "\n" for item in rounds))


def test_rounds_are_read_in_order_and_may_say_more(tmp_path: Path) -> None:
    write(tmp_path, ROUND, ROUND | {"round": 2, "attempts": 48, "grasp_success": 1, "seconds": 3.5})
    first, second = read_progress(tmp_path)
    assert (first.round, first.attempts, first.transitions, first.exploration, first.loss) == (1, 24, 30, 0.5, 0.25)
    assert math.isnan(first.grasp_success)
    assert second == RoundReport(2, 48, 30, 0.5, 0.25, 1.0, 0.75)


@pytest.mark.parametrize("name", ROUND)
def test_a_negative_figure_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROUND | {name: -1})
    with pytest.raises(ConfigError, match=r"progress\.jsonl: expected the progress of a training: .*at least 0"):
        read_progress(tmp_path)


@pytest.mark.parametrize("name", ["exploration", "grasp_success", "push_success"])
def test_a_rate_above_one_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROUND | {name: 1.01})
    with pytest.raises(ConfigError, match="rates of at most 1"):
        read_progress(tmp_path)
    write(tmp_path, ROUND | {name: 1.0, "loss": 7.0, "attempts": 2000})
    assert len(read_progress(tmp_path)) == 1


def test_a_missing_figure_is_refused(tmp_path: Path) -> None:
    write(tmp_path, {name: value for name, value in ROUND.items() if name != "loss"})
    with pytest.raises(ConfigError, match="loss: expected the fields"):
        read_progress(tmp_path)


def test_means_are_over_the_last_three_hundred_attempts() -> None:
    attempts, values = [100, 200, 300, 400, 401, 800], [math.nan, 0.0, 1.0, 0.5, 0.0, 0.25]
    expected = [math.nan, 0.0, 0.5, 0.5, 0.375, 0.25]
    np.testing.assert_allclose(moving_mean(attempts, values), expected)
    assert moving_mean([100, 101, 400], [1.0, 0.0, 0.5]) == [1.0, 0.5, 0.25]


def test_a_reader_finds_three_charts() -> None:
    rounds = [RoundReport(n, 300 * n, 40 * n, 1.0 / n, 0.4 / n, 0.5, 0.25) for n in range(1, 4)]
    success, loss, random_actions = learning_curves(rounds)
    for chart, title in ((success, "Success"), (loss, "Loss"), (random_actions, "Random actions")):
        assert title in texts(chart)
        assert "attempts" in texts(chart)
    assert {"grasps", "pushes", "0 %", "100 %"} <= set(texts(success))
    assert "100 %" in texts(random_actions)
    assert "0.40" in texts(loss)  # the highest
    assert not [word for word in texts(loss) if "%" in word]


def test_a_reader_who_does_not_see_the_charts_hears_where_they_lead() -> None:
    rounds = [RoundReport(n, 300 * n, 40 * n, 1.0 / n, 0.4 / n, 0.5, 0.2 * n) for n in range(1, 4)]
    said = [ElementTree.fromstring(chart).attrib["aria-label"] for chart in learning_curves(rounds)]
    assert said == [
        "Success over the attempts: grasps from 0.5 to 0.5; pushes from 0.2 to 0.6",
        "Loss over the attempts: loss from 0.4 to 0.133",
        "Random actions over the attempts: random actions from 1 to 0.333",
    ]


def test_single_rounds_are_dots_and_means_are_lines_that_dashes_tell_apart() -> None:
    rounds = [RoundReport(n, 300 * n, 40 * n, 0.5, 0.1, 0.5, math.nan if n == 2 else 0.25) for n in range(1, 4)]
    success, _, random_actions = learning_curves(rounds)
    assert len(re.findall(r"<use [^>]*var\(--first\); fill-opacity", success)) == 3
    assert len(re.findall(r"<use [^>]*var\(--second\); fill-opacity", success)) == 2
    assert success.count("stroke-dasharray") == 2  # a curve, and its place in the legend
    assert "<use" not in random_actions


@pytest.mark.parametrize(
    ("count", "expected"),
    [
        (0, []),
        (1, [1]),
        (4, [1, 2, 3, 4]),
        (6, [1, 2, 3, 4, 5, 6]),
        (7, [1, 2, 3, 4, 5, 7]),
        (300, [50, 100, 150, 200, 250, 300]),
    ],
)
def test_the_summary_has_a_few_rounds_and_the_last(count: int, expected: list[int]) -> None:
    rounds = [RoundReport(n, 300 * n, 40 * n, 0.5, 0.1, 0.5, 0.25) for n in range(1, count + 1)]
    assert [round.round for round, *_ in summary(rounds)] == expected


def test_the_summary_has_the_means_that_the_lines_show() -> None:
    rounds = [
        RoundReport(1, 100, 40, 1.0, 0.4, 0.5, math.nan),
        RoundReport(2, 200, 80, 0.5, 0.2, 1.0, math.nan),
    ]
    (first, second) = summary(rounds)
    assert first[:2] == (rounds[0], 0.5)
    assert (second[0], second[1], second[3]) == (rounds[1], 0.75, pytest.approx(0.3))
    assert math.isnan(second[2])


def test_nothing_measured_leaves_no_trace() -> None:
    charts = learning_curves([RoundReport(1, 24, 30, 1.0, math.nan, math.nan, math.nan)])
    assert "nan" not in "".join(charts)
    assert "not measured yet" in charts[0]
    assert len(learning_curves([])) == 3
