"""Reliability diagram: how often objects are targets, over the probability that a mode of attention gave them."""

from __future__ import annotations

from collections.abc import Sequence

from matplotlib.axes import Axes
from matplotlib.ticker import PercentFormatter

from impurity_grasp_ros.evaluation.attention_scores import ReliabilityBin, calibration_error
from impurity_grasp_ros.evaluation.charts import FIRST, SOFT, chart, label, set_tooltip

HEIGHT = 300.0
"""Of a chart, in pixels at full size."""


def reliability_chart(mode: str, bins: Sequence[ReliabilityBin]) -> str:
    """Draw a reliability diagram.

    Args:
        mode: Name of the mode of attention.
        bins: At least one.

    Returns:
        An ``svg`` element.
    """

    def paint(axes: Axes) -> None:
        axes.set_title(label(mode), loc="left")
        axes.set(xlim=(0, 1), ylim=(0, 1), xlabel="probability of being odd, %", ylabel="actually odd, %")
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_formatter(PercentFormatter(1.0, symbol=""))
            axis.label.set_color(SOFT)
        axes.plot((0, 1), (0, 1), color=SOFT, linewidth=1.2, linestyle="--")
        axes.plot([item.probability for item in bins], [item.odd.value for item in bins], color=FIRST, linewidth=1.6)
        for item in bins:
            low_high = item.odd.interval()
            axes.plot((item.probability,) * 2, low_high, color=FIRST, linewidth=1.2, clip_on=False)
            (dot,) = axes.plot(item.probability, item.odd.value, color=FIRST, marker="o", markersize=7, clip_on=False)
            set_tooltip(dot, f"{_in_words(item)} objects")

    return chart(_message(mode, bins), HEIGHT, paint)


def _message(mode: str, bins: Sequence[ReliabilityBin]) -> str:
    words = "; ".join(map(_in_words, bins))
    return f"Reliability of {mode}, calibration error {calibration_error(bins):.3f}, odd ones by probability: {words}"


def _in_words(item: ReliabilityBin) -> str:
    return f"{100 * item.probability:.0f} %: {item.odd.counts}"
