"""The rounds of a training from its file, and their curves."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from markup import texts

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.learning_curves import Round, learning_curves, moving_mean, read_progress, ticks

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
    assert second == Round(2, 48, 30, 0.5, 0.25, 1.0, 0.75)


@pytest.mark.parametrize("name", ROUND)
def test_a_negative_figure_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROUND | {name: -1})
    with pytest.raises(ConfigError, match=r"progress\.jsonl: expected the progress of a training: .*at least 0"):
        read_progress(tmp_path)


@pytest.mark.parametrize("name", ["exploration", "grasp_success", "push_success"])
def test_a_share_of_more_than_all_is_refused(tmp_path: Path, name: str) -> None:
    write(tmp_path, ROUND | {name: 1.01})
    with pytest.raises(ConfigError, match="shares of at most 1"):
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


@pytest.mark.parametrize(
    ("top", "expected"),
    [
        (1.0, [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]),
        (0.3, [0.0, 0.1, 0.2, 0.3]),
        (24.0, [0.0, 5.0, 10.0, 15.0, 20.0]),
        (1440.0, [0.0, 500.0, 1000.0]),
        (9000.0, [0.0, 2000.0, 4000.0, 6000.0, 8000.0]),
    ],
)
def test_ticks_are_round_numbers(top: float, expected: list[float]) -> None:
    assert ticks(top) == pytest.approx(expected)


def test_a_reader_finds_three_charts() -> None:
    rounds = [Round(n, 300 * n, 40 * n, 1.0 / n, 0.4 / n, 0.5, 0.25) for n in range(1, 4)]
    words = texts(learning_curves(rounds))
    assert [word for word in words if word in ("Success", "Loss", "Share of random actions")] == [
        "Success",
        "Loss",
        "Share of random actions",
    ]
    assert words.count("attempts") == 3
    assert "grasps" in words
    assert "pushes" in words
    assert words.count("100 %") == 2
    assert "0.4" in words  # of the highest loss


def test_nothing_measured_leaves_no_trace() -> None:
    charts = learning_curves([Round(1, 24, 30, 1.0, math.nan, math.nan, math.nan)])
    assert "nan" not in charts
    assert learning_curves([])
