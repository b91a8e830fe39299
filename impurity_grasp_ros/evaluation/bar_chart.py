"""Bar chart of one figure of several methods in one scene, ours above those that the paper reports."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from impurity_grasp_ros.evaluation.charts import (
    INK,
    MEASURED,
    PAGE,
    PUBLISHED_COLOR,
    SOFT,
    chart,
    label,
    set_tooltip,
)

ROW, FRAME = 24.0, 52.0
"""Heights in pixels: of a bar with its margin, and of title and axis together."""
GAP = 0.5
"""Space between ours and the paper's methods, in rows."""
NUMBERS_END = 1.19
"""Where the figures beside the bars end, in widths of the axes."""


@dataclass(frozen=True)
class Bar:
    """One method's figure.

    Attributes:
        method: Its name.
        value: A proportion; NaN when nothing was measured.
        interval: Ends of its 95 % interval; None for a figure of the paper.
        completed_only: The same figure counted as in the paper, over completed episodes only; NaN without any.
    """

    method: str
    value: float
    interval: tuple[float, float] | None = None
    completed_only: float = math.nan

    @property
    def published(self) -> bool:
        """Whether the paper reports it."""
        return self.interval is None


def bar_chart(figure: str, scene: str, bars: Sequence[Bar]) -> str:
    """Draw a figure of several methods in one scene.

    Args:
        figure: Name of the figure, such as "Grasp success".
        scene: Name of the scene.
        bars: At least one, ours before the paper's.

    Returns:
        An ``svg`` element.
    """
    places = [index + GAP * bar.published for index, bar in enumerate(bars)]

    def paint(axes: Axes) -> None:
        axes.set_title(label(scene), loc="left")
        axes.set(xlim=(0, 1), xticks=[0, 0.25, 0.5, 0.75, 1], ylim=(places[-1] + 0.6, places[0] - 0.6), yticks=places)
        axes.xaxis.set_major_formatter(PercentFormatter(1.0, symbol=""))
        axes.grid(visible=False, axis="y")
        axes.spines["bottom"].set_visible(False)
        names = axes.set_yticklabels([label(bar.method) for bar in bars], fontsize=12)
        for bar, place, name in zip(bars, places, names, strict=True):
            name.set_color(SOFT if bar.published else INK)
            _paint_bar(axes, bar, place)

    return chart(_message(figure, scene, bars), FRAME + ROW * (places[-1] + 1), paint)


def _paint_bar(axes: Axes, bar: Bar, place: float) -> None:
    color = SOFT if bar.published else INK
    if math.isnan(bar.value):
        axes.text(0.02, place, "no grasp or action", color=SOFT, fontsize=11, va="center_baseline")
        return
    fill = PUBLISHED_COLOR if bar.published else MEASURED
    (rectangle,) = axes.barh(place, min(bar.value, 1.0), height=0.55, color=fill)
    set_tooltip(rectangle, f"{bar.method}: {100 * bar.value:.1f} %")
    if bar.interval is not None:
        axes.plot(bar.interval, (place, place), color=INK, linewidth=1.2, marker="|", markersize=7, clip_on=False)
    if not math.isnan(bar.completed_only):
        diamond: dict[str, Any] = {
            "marker": "D",
            "markersize": 6,
            "markerfacecolor": PAGE,
            "markeredgecolor": INK,
            "zorder": 3,
        }
        (marker,) = axes.plot(min(bar.completed_only, 1.0), place, clip_on=False, **diamond)
        set_tooltip(marker, f"{bar.method}, counted as in the paper: {100 * bar.completed_only:.1f} %")
    number = f"{100 * bar.value:.1f}"
    axes.text(NUMBERS_END, place, number, color=color, ha="right", va="center_baseline", transform=axes.transData)


def _message(figure: str, scene: str, bars: Sequence[Bar]) -> str:
    return f"{figure} in {scene}, percent: {'; '.join(map(_in_words, bars))}"


def _in_words(bar: Bar) -> str:
    if math.isnan(bar.value):
        return f"{bar.method} without a grasp or action"
    ends = "" if bar.interval is None else f" ({100 * bar.interval[0]:.0f} to {100 * bar.interval[1]:.0f})"
    return f"{bar.method} {100 * bar.value:.1f}{ends}"
