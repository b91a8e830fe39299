"""Recorded episodes as rows of small pictures, one per decision: the episode is run again from its seed."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.evaluation.record import ActionRecord, End, EpisodeRecord
from impurity_grasp_ros.pipeline import Decision

Draw = Callable[[Decision], bytes]
"""Draws a decision as PNG."""


@dataclass(frozen=True)
class Frame:
    """A picture of a film strip.

    Attributes:
        url: The picture itself, as a data URL.
        result: CSS class: ``good``, ``bad``, ``stop`` or ``neutral``.
        caption: What was decided and what came of it.
    """

    url: str
    result: str
    caption: str


@dataclass(frozen=True)
class Filmstrip:
    """The pictures of an episode that was run again.

    Attributes:
        record: Of the second run.
        pictures: PNG files, one per decision.
        faithful: Whether the second run gave the same record as the first.
    """

    record: EpisodeRecord
    pictures: tuple[bytes, ...]
    faithful: bool

    @property
    def heading(self) -> str:
        """Which episode it is and how it ended."""
        record, plan = self.record, self.record.plan
        delivered = f"{record.targets_delivered} of {record.targets} targets"
        doubt = "" if self.faithful else " This run differs from the recorded one: the code has changed."
        return f"{plan.policy}, seed {plan.seed}: {delivered}, {_ending(record)}.{doubt}"

    @property
    def frames(self) -> list[Frame]:
        """The pictures with what came of each decision."""
        captions = [_caption(index, action) for index, action in enumerate(self.record.actions, start=1)]
        captions.append(("stop", "says clear") if self.record.end is End.CLEAR else ("neutral", "not executed"))
        urls = (f"data:image/png;base64,{b64encode(picture).decode()}" for picture in self.pictures)
        return [Frame(url, *caption) for url, caption in zip(urls, captions, strict=False)]


def replay(bench: Bench, record: EpisodeRecord, draw: Draw) -> Filmstrip:
    """Run an episode again and draw its decisions.

    Args:
        bench: Runs it.
        record: Of the first run.
        draw: Draws one decision.

    Returns:
        The strip of the second run, which should be like the first.
    """
    pictures: list[bytes] = []
    again = bench.run(record.plan, lambda decision: pictures.append(draw(decision)))
    return Filmstrip(again, tuple(pictures), again.without_times() == record.without_times())


def first_episodes(records: Sequence[EpisodeRecord], count: int) -> list[EpisodeRecord]:
    """The ``count`` episodes of the lowest seeds, so that the choice does not depend on how they went."""
    started = [record for record in records if record.end is not End.NO_SCENE]
    return sorted(started, key=lambda record: record.plan.seed)[:count]


def _caption(number: int, action: ActionRecord) -> tuple[str, str]:
    """CSS class and words for an action and its result."""
    what = f"{number} {action.kind.lower()}"
    if action.targets_delivered:
        return "good", f"{what}: target in the bin"
    if action.others_delivered:
        return "bad", f"{what}: wrong object"
    if action.status == "PUSHED":
        return "neutral", what
    return "bad", f"{what}: {action.status.lower().replace('_', ' ')}"


def _ending(record: EpisodeRecord) -> str:
    if record.fault:
        return f"ended by {record.fault}"
    late = f"stopped on its own, {len(record.surplus)} actions late" if record.surplus else "stopped on its own"
    return {
        End.COMPLETE: "ended at completion",
        End.CLEAR: "stopped too early" if record.false_clear else late,
        End.BUDGET: f"stopped after all {record.budget} actions",
    }.get(record.end, record.end.value)
