"""Bars of proportions: each figure stands beside its bar, and a bar's length is its figure."""

from __future__ import annotations

import math
import re
from xml.etree import ElementTree

import pytest
from markup import texts

from impurity_grasp_ros.evaluation.bar_chart import Bar, bar_chart

SVG = "{http://www.w3.org/2000/svg}"
BARS = [
    Bar("ours", 0.8, (0.6, 0.9), 0.85),
    Bar("other", 0.4, (0.2, 0.6)),
    Bar("paper: VPG", 0.2),
]
CHART = bar_chart("Grasp success", "random", BARS)


def length(chart: str, tooltip: str) -> float:
    """Length in pixels of the bar with this tooltip."""
    (group,) = [
        item for item in ElementTree.fromstring(chart).iter(f"{SVG}g") if item.findtext(f"{SVG}title") == tooltip
    ]
    corners = re.findall(r"[ML] ([\d.]+) ([\d.]+)", group.find(f"{SVG}path").attrib["d"])  # type: ignore[union-attr]
    xs = [float(x) for x, _ in corners]
    return max(xs) - min(xs)


def test_a_reader_finds_scene_methods_and_figures() -> None:
    words = texts(CHART)
    assert [word for word in words if word in ("ours", "other", "paper: VPG")] == ["ours", "other", "paper: VPG"]
    assert [word for word in words if word in ("80.0", "40.0", "20.0")] == ["80.0", "40.0", "20.0"]
    assert [word for word in words if word in ("0", "25", "50", "75", "100")] == ["0", "25", "50", "75", "100"]
    assert "random" in words
    assert "ours: 80.0 %" in words
    assert "ours, counted as in the paper: 85.0 %" in words


def test_a_reader_who_does_not_see_it_hears_the_figures() -> None:
    said = ElementTree.fromstring(CHART).attrib["aria-label"]
    assert said == "Grasp success in random, percent: ours 80.0 (60 to 90); other 40.0 (20 to 60); paper: VPG 20.0"


def test_a_bar_is_as_long_as_its_figure_says() -> None:
    eighty = length(CHART, "ours: 80.0 %")
    assert eighty > 100.0
    assert math.isclose(eighty, 2 * length(CHART, "other: 40.0 %"), rel_tol=1e-4)
    assert math.isclose(eighty, 4 * length(CHART, "paper: VPG: 20.0 %"), rel_tol=1e-4)


def test_the_papers_bars_have_a_color_of_their_own() -> None:
    assert CHART.count("fill: var(--measured)") == 2
    assert CHART.count("fill: var(--published)") == 1


def test_more_than_all_fills_the_panel() -> None:
    full = bar_chart("AE", "random", [Bar("ours", 1.0, (0.9, 1.0))])
    over = bar_chart("AE", "random", [Bar("ours", 1.2, (0.9, 1.0), 1.3)])
    assert math.isclose(length(over, "ours: 120.0 %"), length(full, "ours: 100.0 %"), rel_tol=0.02)
    assert "120.0" in texts(over)


@pytest.mark.parametrize("completed_only", [math.nan, 0.5])
def test_nothing_measured_is_said_and_has_no_bar(completed_only: float) -> None:
    chart = bar_chart("GS", "random", [Bar("ours", math.nan, (0.0, 1.0), completed_only)])
    assert "no grasp or action" in texts(chart)
    assert "var(--measured)" not in chart
    assert "nan" not in chart
    assert "ours without a grasp or action" in chart
