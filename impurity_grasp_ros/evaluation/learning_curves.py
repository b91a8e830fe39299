"""Curves of a training from its ``progress.jsonl``, as in the paper's figure 9."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation import svg
from impurity_grasp_ros.evaluation.json_lines import from_object, parse_object, read_lines

PROGRESS = "progress.jsonl"
WIDTH, HEIGHT, LEFT, RIGHT, TOP, BOTTOM = 346.0, 230.0, 46.0, 16.0, 34.0, 44.0
WINDOW = 300
"""Attempts over which success is averaged, as in the paper's figure 9."""


@dataclass(frozen=True)
class Round:
    """One round of a training. A share or a loss is NaN where there was nothing to measure."""

    round: int
    attempts: int
    transitions: int
    exploration: float
    loss: float
    grasp_success: float
    push_success: float


@dataclass(frozen=True)
class Curve:
    """A line with the single values behind it, in the same units."""

    name: str
    css_class: str
    values: Sequence[float]
    smooth: Sequence[float]


def read_progress(folder: Path) -> list[Round]:
    """All rounds of a training; raises ConfigError when there is no readable file of them."""
    path = folder / PROGRESS
    try:
        return [_round(line) for line in read_lines(path)]
    except ConfigError as error:
        raise ConfigError(f"{path}: expected the progress of a training: {error}") from error


def _round(line: str) -> Round:
    """The round in a line, which may say more; raises ConfigError."""
    values = parse_object(line)
    known = {item.name: values[item.name] for item in fields(Round) if item.name in values}
    found = from_object(Round, known, nan=True)
    shares = found.exploration, found.grasp_success, found.push_success
    counts = found.round, found.attempts, found.transitions, found.loss
    if any(value < 0 for value in (*counts, *shares)) or any(value > 1 for value in shares):
        raise ConfigError(f"expected counts of at least 0 and shares of at most 1, received {found}")
    return found


def learning_curves(rounds: Sequence[Round]) -> str:
    """Two charts over the number of attempts: success of greedy actions, and loss with exploration."""
    attempts = [item.attempts for item in rounds]
    success = [
        Curve("grasps", "first", grasps := [item.grasp_success for item in rounds], moving_mean(attempts, grasps)),
        Curve("pushes", "second", pushes := [item.push_success for item in rounds], moving_mean(attempts, pushes)),
    ]
    loss = [item.loss for item in rounds]
    top = max((value for value in loss if not math.isnan(value)), default=1.0) or 1.0
    curves = [Curve("loss", "first", loss, moving_mean(attempts, loss))]
    share = [item.exploration for item in rounds]
    left = line_chart("Success", attempts, success, 1.0, percent=True)
    middle = line_chart("Loss", attempts, curves, top, percent=False)
    right = line_chart("Share of random actions", attempts, [Curve("share", "second", (), share)], 1.0, percent=True)
    return f'<div class="charts">{left}{middle}{right}</div>'


def moving_mean(attempts: Sequence[int], values: Sequence[float]) -> list[float]:
    """Mean over the rounds of the last WINDOW attempts, NaN left out; NaN where nothing else is in the window."""
    means = []
    for end, reached in enumerate(attempts):
        recent = [value for count, value in zip(attempts, values[: end + 1], strict=False) if count > reached - WINDOW]
        known = [value for value in recent if not math.isnan(value)]
        means.append(sum(known) / len(known) if known else math.nan)
    return means


def line_chart(title: str, xs: Sequence[int], curves: Sequence[Curve], top: float, *, percent: bool) -> str:
    """Curves over attempts, between 0 and ``top``; NaN interrupts a line."""
    width, height, last = WIDTH - LEFT - RIGHT, HEIGHT - TOP - BOTTOM, max(max(xs, default=1), 1)

    def at(x: float, y: float) -> tuple[float, float]:
        return LEFT + x / last * width, TOP + (1 - min(y / top, 1.0)) * height

    elements = [svg.text(LEFT, 18, title, "panel")]
    for value in ticks(top):
        _, y = at(0, value)
        elements.append(svg.line(LEFT, y, WIDTH - RIGHT, y, "grid" if value else "axis"))
        elements.append(svg.text(LEFT - 6, y + 4, f"{100 * value:.0f} %" if percent else f"{value:g}", "tick", "end"))
    for value in ticks(last):
        elements.append(svg.text(at(value, 0)[0], HEIGHT - BOTTOM + 17, f"{value:g}", "tick", "middle"))
    elements.append(svg.text(WIDTH - RIGHT, HEIGHT - 8, "attempts", "tick", "end"))
    for number, curve in enumerate(curves):
        points = [at(x, y) for x, y in zip(xs, curve.values, strict=False) if not math.isnan(y)]
        elements += [svg.dot(x, y, 1.6, f"{curve.css_class} single") for x, y in points]
        elements += [svg.path([at(*point) for point in part], f"{curve.css_class} curve") for part in _parts(xs, curve)]
        if len(curves) > 1:
            elements.append(svg.text(WIDTH - RIGHT - 60 * number, 18, curve.name, f"{curve.css_class} key", "end"))
    return svg.svg(WIDTH, HEIGHT, elements, title)


def ticks(top: float) -> list[float]:
    """Three to six round numbers from 0 to at most ``top``, which is positive."""
    decade = 10.0 ** math.floor(math.log10(top))
    step = next(step for step in (0.2 * decade, 0.5 * decade, decade, 2 * decade) if top / step < 5.5)
    return [round(step * count, 12) for count in range(int(top / step + 1e-9) + 1)]


def _parts(xs: Sequence[int], curve: Curve) -> list[list[tuple[float, float]]]:
    """The stretches of a smooth line without NaN."""
    parts: list[list[tuple[float, float]]] = [[]]
    for x, y in zip(xs, curve.smooth, strict=True):
        if math.isnan(y):
            parts.append([])
        else:
            parts[-1].append((x, y))
    return [part for part in parts if part]
