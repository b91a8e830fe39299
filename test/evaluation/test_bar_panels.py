"""Bars of proportions: each figure stands beside its bar, and a bar's length is its figure."""

from __future__ import annotations

import math
from xml.etree import ElementTree

from markup import texts

from impurity_grasp_ros.evaluation.bar_panels import Bar, Row, bar_panels

SVG = "{http://www.w3.org/2000/svg}"


def bars(chart: str, css_class: str) -> list[float]:
    """Lengths of all bars of a kind, in pixels."""
    return [float(item.attrib["width"]) for item in ElementTree.fromstring(chart).iter("rect")
            if item.attrib["class"] == css_class]  # fmt: skip


ROWS = [
    Row("ours", "own", {"random": Bar(0.8, (0.6, 0.9), 0.85), "noisy": Bar(0.4, (0.2, 0.6))}),
    Row("paper", "other", {"random": Bar(0.2)}),
]
CHART = bar_panels("Grasp success", ["random", "noisy"], ROWS)


def test_a_reader_finds_every_scene_method_and_figure() -> None:
    words = texts(CHART)
    assert words[:2] == ["ours", "paper"]
    assert [word for word in words if word in ("random", "noisy")] == ["random", "noisy"]
    assert [word for word in words if word in ("80.0", "40.0", "20.0")] == ["80.0", "20.0", "40.0"]
    assert "ours: 80.0 %" in words
    assert "ours, counted as in the paper: 85.0 %" in words
    assert words.count("100") == words.count("0") == 2


def test_a_bar_is_as_long_as_its_figure_says() -> None:
    (eighty, forty), (twenty,) = bars(CHART, "own"), bars(CHART, "other")
    assert math.isclose(eighty, 2 * forty, abs_tol=0.2)
    assert math.isclose(eighty, 4 * twenty, abs_tol=0.4)


def test_more_than_all_fills_the_panel() -> None:
    (full,) = bars(bar_panels("AE", ["random"], [Row("ours", "own", {"random": Bar(1.0)})]), "own")
    over = bar_panels("AE", ["random"], [Row("ours", "own", {"random": Bar(1.2, None, 1.3)})])
    assert bars(over, "own") == [full]
    assert "120.0" in texts(over)


def test_nothing_measured_is_said_and_has_no_bar() -> None:
    chart = bar_panels("GS", ["random"], [Row("ours", "own", {"random": Bar(math.nan, (0.0, 1.0), math.nan)})])
    assert bars(chart, "own") == []
    assert "no grasp or action" in texts(chart)
    assert "nan" not in chart
