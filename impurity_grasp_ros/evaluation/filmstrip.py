"""Recorded episodes as rows of small pictures, one a decision: the episode is run again from its seed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.record import ActionRecord, End, EpisodeRecord
from impurity_grasp_ros.pipeline import Decision

Draw = Callable[[Decision], bytes]
"""A PNG of a decision."""


@dataclass(frozen=True)
class Filmstrip:
    """An episode's pictures. faithful: whether running it again gave the very same record."""

    record: EpisodeRecord
    pictures: tuple[bytes, ...]
    faithful: bool


def replay(bench: Bench, record: EpisodeRecord, draw: Draw) -> Filmstrip:
    """Run an episode again and draw its decisions. The strip tells of this run, which should be the recorded one."""
    pictures: list[bytes] = []
    again = bench.run(record.plan, lambda decision: pictures.append(draw(decision)))
    return Filmstrip(again, tuple(pictures), again.without_times() == record.without_times())


def filmstrip_html(strip: Filmstrip) -> str:
    """The pictures with what came of each decision."""
    record = strip.record
    number = len(record.actions)
    captions = [_caption(index, action) for index, action in enumerate(record.actions, start=1)]
    if len(strip.pictures) > number:
        captions.append(("stop", "says clear") if record.end is End.CLEAR else ("", "not executed"))
    frames = "".join(map(_frame, strip.pictures, captions))
    plan, doubt = (
        record.plan,
        "" if strip.faithful else " This run differs from the recorded one: the code has changed.",
    )
    head = (
        f"{plan.policy}, seed {plan.seed}: {record.targets_delivered} of {record.targets} targets, {_ending(record)}."
    )
    return f'<figure class="strip"><figcaption>{escape(head + doubt)}</figcaption><div>{frames}</div></figure>'


def choose(records: Sequence[EpisodeRecord], count: int) -> list[EpisodeRecord]:
    """The first runs by seed, so that nobody picks the pretty ones."""
    runs = [record for record in records if record.end is not End.NO_SCENE]
    return sorted(runs, key=lambda record: record.plan.seed)[:count]


def _frame(picture: bytes, caption: tuple[str, str]) -> str:
    css_class, words = caption
    image = f'<img src="data:image/png;base64,{b64encode(picture).decode()}" alt="{escape(words)}" loading="lazy">'
    return f'<figure class="frame {css_class}">{image}<figcaption>{escape(words)}</figcaption></figure>'


def _caption(number: int, action: ActionRecord) -> tuple[str, str]:
    """CSS class and words: what it was and what it brought."""
    if action.targets_delivered:
        css_class, result = "good", "target in the bin"
    elif action.others_delivered:
        css_class, result = "bad", "wrong object"
    else:
        css_class = "neutral" if action.status == "PUSHED" else "bad"
        result = "" if action.status == "PUSHED" else action.status.lower().replace("_", " ")
    return css_class, f"{number} {action.kind.lower()}" + (f": {result}" if result else "")


def _ending(record: EpisodeRecord) -> str:
    if record.fault:
        return f"ended by {record.fault}"
    late = f"stopped on its own, {len(record.surplus)} actions late" if record.surplus else "stopped on its own"
    return {
        End.COMPLETE: "ended at completion",
        End.CLEAR: "stopped too early" if record.false_clear else late,
        End.BUDGET: f"stopped after all {record.budget} actions",
    }.get(record.end, record.end.value)
