"""What is kept of an episode: one line of JSON each, from which every metric is computed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, fields, replace
from enum import Enum
from pathlib import Path

from impurity_grasp_ros.config import shown
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.json_lines import from_object, parse_object, read_lines

RECORDS = "records.jsonl"
FAULT = "FAULT"
"""Status of an action that an exception ended."""


class End(Enum):
    """Why an episode ended."""

    COMPLETE = "complete"
    """Every target is in the bin; a quick episode stops there."""
    CLEAR = "clear"
    """The policy said that nothing odd is left, rightly or not."""
    BUDGET = "budget"
    """All actions were used up."""
    FAULT = "fault"
    """Policy or robot raised an exception."""
    NO_SCENE = "no scene"
    """The seed gives no such scene; nothing was started."""


@dataclass(frozen=True)
class EpisodePlan:
    """What determines an episode. Equal plans give equal records, times apart.

    quick: stop at completion, with a smaller budget. config_hash: of configuration and weights. commit: of the code.
    """

    policy: str
    scene: str
    seed: int
    quick: bool = False
    config_hash: str = ""
    commit: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What makes it another episode: all but the commit."""
        return self.policy, self.scene, self.seed, self.quick, self.config_hash


@dataclass(frozen=True)
class ActionRecord:
    """One executed primitive.

    kind: name of a PrimitiveKind. status: name of an OutcomeStatus, or FAULT. attention: name of the AttentionState
    that led to it. position: metres, base frame. angle: radians. visible: part of the best visible target left that the
    camera saw before it, None when none was left. targets_delivered, others_delivered: blocks it brought into the bin,
    by simulator body. decision_seconds: wall time from frame to primitive.
    """

    kind: str
    status: str
    attention: str
    position: tuple[float, float, float]
    angle: float
    visible: float | None
    targets_delivered: int
    others_delivered: int
    decision_seconds: float


@dataclass(frozen=True)
class EpisodeRecord:
    """One episode, judged by the simulator.

    budget: actions allowed. completed_after: actions until the last target was in the bin, None when it never was.
    targets_delivered: targets brought into the bin; targets_lost: others that are out of the workspace at the end.
    visible_at_end: as ``ActionRecord.visible``. fault: class of the exception that ended it, or nothing.
    """

    plan: EpisodePlan
    targets: int
    budget: int
    end: End
    fault: str
    completed_after: int | None
    targets_delivered: int
    targets_lost: int
    visible_at_end: float | None
    actions: tuple[ActionRecord, ...]

    @property
    def completed(self) -> bool:
        """Whether every target came into the bin within the budget."""
        return self.completed_after is not None

    @property
    def counted(self) -> tuple[ActionRecord, ...]:
        """The actions until completion, or all."""
        return self.actions[: self.completed_after]

    @property
    def surplus(self) -> tuple[ActionRecord, ...]:
        """The actions after completion: there was nothing left to do."""
        return () if self.completed_after is None else self.actions[self.completed_after :]

    @property
    def actions_to_clear(self) -> int | None:
        """Surplus actions until the policy said clear; None when it never did, or not rightly."""
        return len(self.surplus) if self.completed and self.end is End.CLEAR else None

    @property
    def false_clear(self) -> bool:
        """Whether the policy said clear while a target lay in the workspace."""
        return self.end is End.CLEAR and self.targets_delivered + self.targets_lost < self.targets

    def without_times(self) -> EpisodeRecord:
        """The same record with all decision times zero: what equal plans have in common."""
        return replace(self, actions=tuple(replace(action, decision_seconds=0.0) for action in self.actions))


def to_json(record: EpisodeRecord) -> str:
    """One line, without its end."""
    values = asdict(record) | {"end": record.end.value}
    return json.dumps(values.pop("plan") | values)


def from_json(line: str) -> EpisodeRecord:
    """The record in a line.

    Args:
        line: As :func:`to_json` writes it.

    Returns:
        The record.

    Raises:
        ConfigError: It is none: a field is missing, unknown, of another type, or a count that cannot be.
    """
    try:
        values = parse_object(line)
        plan = {item.name: values.pop(item.name) for item in fields(EpisodePlan) if item.name in values}
        record = from_object(EpisodeRecord, values | {"plan": plan})
        _check_counts(record)
    except ConfigError as error:
        raise ConfigError(f"expected the record of an episode, received {shown(line)}: {error}") from error
    return record


def _check_counts(record: EpisodeRecord) -> None:
    """Raise ConfigError unless the numbers are possible."""
    delivered, lost = record.targets_delivered, record.targets_lost
    if min(record.plan.seed, delivered, lost, record.budget) < 0 or delivered + lost > record.targets:
        raise ConfigError(f"expected 0 to {record.targets} targets, received {delivered} delivered and {lost} lost")
    if not 0 <= (record.completed_after or 0) <= len(record.actions):
        raise ConfigError(f"completed_after: expected 0 to {len(record.actions)}, received {record.completed_after}")
    for action in record.actions:
        if min(action.targets_delivered, action.others_delivered) < 0:
            raise ConfigError(f"expected counts of at least 0, received {action}")


def read_episode_records(folder: Path) -> list[EpisodeRecord]:
    """All records in a folder, oldest first. A line that was never finished is left out; raises ConfigError."""
    path = folder / RECORDS
    return [from_json(line) for line in read_lines(path)] if path.exists() else []


def append_record(folder: Path, record: EpisodeRecord) -> None:
    """Add a record to a folder. What an interrupted run left of a line is overwritten."""
    folder.mkdir(parents=True, exist_ok=True)
    with (folder / RECORDS).open("a+b") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(to_json(record).encode() + b"\n")


def latest_edition(records: Iterable[EpisodeRecord]) -> list[EpisodeRecord]:
    """Those of the same configuration and kind as the last, each episode once: others must not be pooled with them."""
    records = list(records)
    if not records:
        return []
    last, once = records[-1].plan, {record.plan.identity: record for record in reversed(records)}
    same = [
        item for item in once.values() if (item.plan.config_hash, item.plan.quick) == (last.config_hash, last.quick)
    ]
    return same[::-1]
