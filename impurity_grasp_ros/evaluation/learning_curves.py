"""Curves of a training from its ``progress.jsonl``, as in the paper's figure 9."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator, PercentFormatter

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.charts import FIRST, SECOND, SOFT, chart
from impurity_grasp_ros.evaluation.json_lines import from_object, parse_object, read_lines
from impurity_grasp_ros.training_progress import PROGRESS, RoundReport

HEIGHT = 235.0
"""Of a chart, in pixels at full size."""
WINDOW = 300
"""Attempts over which success is averaged, as in the paper's figure 9."""
SUMMARY_ROWS = 6
"""Rounds in the table of the curves, evenly spaced."""


@dataclass(frozen=True)
class Curve:
    """A quantity over the rounds of a training.

    Attributes:
        name: For the legend.
        color: One of the palette.
        dashes: Matplotlib's line style.
        single: Values of single rounds, drawn as dots; NaN where nothing was measured.
        mean: Values of the line, one per round; NaN interrupts it.
    """

    name: str
    color: str
    dashes: str
    single: Sequence[float]
    mean: Sequence[float]


def read_progress(folder: Path) -> list[RoundReport]:
    """Read all rounds of a training.

    Args:
        folder: Of the training.

    Returns:
        The rounds in their order.

    Raises:
        ConfigError: The file is missing or unreadable, or one of its lines is not the report of a round.
    """
    path = folder / PROGRESS
    try:
        return [_round(line) for line in read_lines(path)]
    except ConfigError as error:
        raise ConfigError(f"{path}: expected the progress of a training: {error}") from error


def _round(line: str) -> RoundReport:
    """The round in a line, which may have further fields; raises ConfigError."""
    values = parse_object(line)
    known = {item.name: values[item.name] for item in fields(RoundReport) if item.name in values}
    found = from_object(RoundReport, known, nan=True)
    rates = found.exploration, found.grasp_success, found.push_success
    counts = found.round, found.attempts, found.transitions, found.loss
    if any(value < 0 for value in (*counts, *rates)) or any(value > 1 for value in rates):
        raise ConfigError(f"expected counts of at least 0 and rates of at most 1, received {found}")
    return found


def learning_curves(rounds: Sequence[RoundReport]) -> list[str]:
    """Draw a training over the number of attempts.

    Args:
        rounds: In their order.

    Returns:
        Three ``svg`` elements: success of greedy actions, loss, and the rate of random actions.
    """
    attempts = [item.attempts for item in rounds]
    success = [_curve(rounds, "grasp_success", "grasps", FIRST), _curve(rounds, "push_success", "pushes", SECOND, "--")]
    random_actions = Curve("random actions", SECOND, "-", (), [item.exploration for item in rounds])
    return [
        _line_chart("Success", attempts, success, percent=True),
        _line_chart("Loss", attempts, [_curve(rounds, "loss", "loss", FIRST)], percent=False),
        _line_chart("Random actions", attempts, [random_actions], percent=True),
    ]


def summary(rounds: Sequence[RoundReport]) -> list[tuple[RoundReport, float, float, float]]:
    """The lines of the charts in numbers.

    Args:
        rounds: In their order.

    Returns:
        A few rounds, the last one among them, each with its mean success of grasps, success of pushes, and loss.
    """
    attempts = [item.attempts for item in rounds]
    means = [
        moving_mean(attempts, [getattr(item, name) for item in rounds])
        for name in ("grasp_success", "push_success", "loss")
    ]
    count = min(SUMMARY_ROWS, len(rounds))
    places = [len(rounds) * (row + 1) // count - 1 for row in range(count)]
    return [(rounds[place], means[0][place], means[1][place], means[2][place]) for place in places]


def moving_mean(attempts: Sequence[int], values: Sequence[float]) -> list[float]:
    """Mean over the rounds of the last WINDOW attempts.

    Args:
        attempts: Number of attempts at the end of each round, ascending.
        values: One per round; NaN is left out.

    Returns:
        One mean per round, NaN where the window holds no number.
    """
    means = []
    for end, reached in enumerate(attempts):
        recent = [value for count, value in zip(attempts, values[: end + 1], strict=False) if count > reached - WINDOW]
        known = [value for value in recent if not math.isnan(value)]
        means.append(sum(known) / len(known) if known else math.nan)
    return means


def _curve(rounds: Sequence[RoundReport], field: str, name: str, color: str, dashes: str = "-") -> Curve:
    values = [getattr(item, field) for item in rounds]
    return Curve(name, color, dashes, values, moving_mean([item.attempts for item in rounds], values))


def _line_chart(title: str, attempts: Sequence[int], curves: Sequence[Curve], *, percent: bool) -> str:
    def paint(axes: Axes) -> None:
        axes.set_title(title, loc="left")
        axes.set_xlabel("attempts", loc="right", color=SOFT, fontsize=11)
        axes.grid(visible=False, axis="x")
        for curve in curves:
            if curve.single:
                axes.plot(attempts, curve.single, ".", color=curve.color, alpha=0.3, markersize=4, markeredgewidth=0)
            axes.plot(attempts, curve.mean, color=curve.color, linestyle=curve.dashes, linewidth=2, label=curve.name)
        axes.set_xlim(0, max([1, *attempts]))
        axes.set_ylim(0, 1 if percent else _top(curves))
        for axis in (axes.xaxis, axes.yaxis):
            axis.set_major_locator(MaxNLocator(5))
        axes.spines["left"].set_visible(False)
        if percent:
            axes.yaxis.set_major_formatter(PercentFormatter(1.0, decimals=0, symbol=" %"))
        if len(curves) > 1:
            axes.legend(loc="lower right", bbox_to_anchor=(1, 1), ncol=len(curves), frameon=False, borderpad=0)

    return chart(f"{title} over the attempts: {'; '.join(map(_in_words, curves))}", HEIGHT, paint)


def _top(curves: Sequence[Curve]) -> float:
    """Upper end of an axis that holds every single value."""
    return max((value for curve in curves for value in curve.single if value > 0), default=1.0)


def _in_words(curve: Curve) -> str:
    known = [value for value in curve.mean if not math.isnan(value)]
    return f"{curve.name} from {known[0]:.3g} to {known[-1]:.3g}" if known else f"{curve.name} not measured yet"
