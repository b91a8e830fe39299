"""Horizontal bars of proportions, one panel a scene, one row a method: the methods' names stand once, on the left."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from impurity_grasp_ros.evaluation import svg

WIDTH, LABELS, ROW, HEAD, FOOT, GAP = 1080.0, 150.0, 24.0, 34.0, 24.0, 46.0
NUMBER = 52.0
"""Pixels at the right of a panel for the figures."""
BAR = 13.0
TICKS = (0.0, 0.25, 0.5, 0.75, 1.0)


@dataclass(frozen=True)
class Bar:
    """A proportion. interval: the ends of its whisker; marker: a second figure for the same thing."""

    value: float
    interval: tuple[float, float] | None = None
    marker: float | None = None


@dataclass(frozen=True)
class Row:
    """A method's bars by scene. css_class: ``own`` or ``other``."""

    name: str
    css_class: str
    bars: Mapping[str, Bar]


def bar_panels(title: str, scenes: Sequence[str], rows: Sequence[Row]) -> str:
    """The chart; a scene that a row lacks stays empty. A space parts rows of different classes."""
    tops = _tops(rows)
    bottom = tops[-1] + ROW
    panel = (WIDTH - LABELS - GAP * (len(scenes) - 1)) / len(scenes)
    elements = [
        svg.text(LABELS - 12, top + ROW / 2 + 4, row.name, row.css_class, "end")
        for row, top in zip(rows, tops, strict=True)
    ]
    for number, scene in enumerate(scenes):
        left = LABELS + number * (panel + GAP)
        elements += _axes(scene, left, panel - NUMBER, bottom)
        for row, top in zip(rows, tops, strict=True):
            if scene in row.bars:
                elements += _bar(row, row.bars[scene], left, top, panel - NUMBER)
    return svg.svg(WIDTH, bottom + FOOT, elements, title)


def _tops(rows: Sequence[Row]) -> list[float]:
    tops, y = [], HEAD
    for number, row in enumerate(rows):
        y += 12.0 if number and rows[number - 1].css_class != row.css_class else 0.0
        tops.append(y)
        y += ROW
    return tops


def _axes(scene: str, left: float, width: float, bottom: float) -> list[str]:
    elements = [svg.text(left, 18, scene, "panel")]
    for tick in TICKS:
        x = left + tick * width
        elements.append(svg.line(x, HEAD - 4, x, bottom + 2, "axis" if tick == 0 else "grid"))
        elements.append(svg.text(x, bottom + 18, f"{100 * tick:.0f}", "tick", "middle"))
    return elements


def _bar(row: Row, bar: Bar, left: float, top: float, width: float) -> list[str]:
    middle = top + ROW / 2
    if math.isnan(bar.value):
        return [svg.text(left + 6, middle + 4, "no grasp or action", "tick")]
    tooltip = f"{row.name}: {100 * bar.value:.1f} %"
    elements = [svg.bar(left, middle - BAR / 2, min(bar.value, 1.0) * width, BAR, row.css_class, tooltip)]
    if bar.interval is not None:
        low, high = (left + end * width for end in bar.interval)
        elements.append(svg.line(low, middle, high, middle, "whisker"))
        elements += [svg.line(x, middle - 3.5, x, middle + 3.5, "whisker") for x in (low, high)]
    if bar.marker is not None and not math.isnan(bar.marker):
        what = f"{row.name}, counted as in the paper: {100 * bar.marker:.1f} %"
        elements.append(svg.diamond(left + min(bar.marker, 1.0) * width, middle, 4.5, "marker", what))
    return [*elements, svg.text(left + width + NUMBER - 4, middle + 4, f"{100 * bar.value:.1f}", row.css_class, "end")]
