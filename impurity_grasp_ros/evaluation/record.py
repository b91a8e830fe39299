"""Records of episodes, one JSON object per line, from which every metric is computed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.json_lines import append_line, parse_record, read_lines

RECORDS = "records.jsonl"
FAULT = "FAULT"
"""Status of an action that ended with an exception."""


class End(Enum):
    """Why an episode ended."""

    COMPLETE = "complete"
    """Every target is in the bin; only quick episodes end there."""
    CLEAR = "clear"
    """The policy said that the workspace is clear, rightly or not."""
    BUDGET = "budget"
    """All actions were used up."""
    FAULT = "fault"
    """Policy or robot raised an exception."""
    NO_SCENE = "no scene"
    """The seed gives no valid scene of this kind; no episode was started."""


@dataclass(frozen=True)
class EpisodePlan:
    """What determines an episode. Equal plans give equal records, except for times.

    Attributes:
        policy: Name of the policy.
        scene: Name of the scene.
        seed: Seed of the scene.
        quick: Whether the episode ends at completion, and has a smaller budget.
        config_hash: Hash of the shipped configuration and weights.
        commit: Commit of the code.
    """

    policy: str
    scene: str
    seed: int
    quick: bool = False
    config_hash: str = ""
    commit: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells episodes apart: everything but the commit."""
        return self.policy, self.scene, self.seed, self.quick, self.config_hash


@dataclass(frozen=True)
class ActionRecord:
    """One executed primitive.

    Attributes:
        kind: Name of its PrimitiveKind.
        status: Name of its OutcomeStatus, or FAULT.
        attention: Name of the AttentionState that led to it.
        position: (x, y, z) of the primitive, meters in ``base_link``.
        angle: Of the primitive, radians.
        visible: Visible fraction of the best visible target left before the action; None if no target was left.
        targets_delivered: Targets that it brought into the bin.
        others_delivered: Other blocks that it brought into the bin.
        decision_seconds: Wall time from frame to primitive.
        robot_seconds: Time that the robot took for it; 0 if a fault ended it.
        opening: Of the fingers at the last check, meters; 0 if a fault ended it.
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
    robot_seconds: float
    opening: float


@dataclass(frozen=True)
class EpisodeRecord:
    """One episode, as judged by the simulator.

    Attributes:
        plan: What determined it.
        targets: Number of targets in the scene.
        others: Number of other objects in it.
        budget: Number of actions allowed.
        end: Why it ended.
        fault: Class of the exception that ended it; empty without one.
        completed_after: Number of actions until the last target was in the bin; None if it never was.
        targets_delivered: Targets brought into the bin.
        targets_lost: Other targets, outside the workspace at the end.
        visible_at_end: As ``ActionRecord.visible``, at the end.
        actions: In their order.
    """

    plan: EpisodePlan
    targets: int
    others: int
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
    def others_delivered(self) -> int:
        """Other objects brought into the bin."""
        return sum(action.others_delivered for action in self.actions)

    @property
    def counted(self) -> tuple[ActionRecord, ...]:
        """The actions until completion; all of them if the episode was not completed."""
        return self.actions[: self.completed_after]

    @property
    def surplus(self) -> tuple[ActionRecord, ...]:
        """The actions after completion, when nothing was left to do."""
        return () if self.completed_after is None else self.actions[self.completed_after :]

    @property
    def actions_to_clear(self) -> int | None:
        """Number of surplus actions until the policy said clear; None if it never did, or too early."""
        return len(self.surplus) if self.completed and self.end is End.CLEAR else None

    @property
    def false_clear(self) -> bool:
        """Whether the policy said clear while a target lay in the workspace."""
        return self.end is End.CLEAR and self.targets_delivered + self.targets_lost < self.targets

    def without_times(self) -> EpisodeRecord:
        """The same record with all decision times 0, which is equal for equal plans."""
        return replace(self, actions=tuple(replace(action, decision_seconds=0.0) for action in self.actions))


def to_json(record: EpisodeRecord) -> str:
    """Serialize a record as one line of JSON, without a line end."""
    values = asdict(record) | {"end": record.end.value}
    return json.dumps(values.pop("plan") | values)


def from_json(line: str) -> EpisodeRecord:
    """Parse a record.

    Args:
        line: As :func:`to_json` returns it.

    Returns:
        The record.

    Raises:
        ConfigError: A field is missing, unknown or of another type, or a count is impossible.
    """
    return parse_record(EpisodeRecord, EpisodePlan, line, "an episode", _check_counts)


def _check_counts(record: EpisodeRecord) -> None:
    """Raise ConfigError if a number is impossible."""
    delivered, lost = record.targets_delivered, record.targets_lost
    if min(record.plan.seed, delivered, lost, record.budget) < 0 or delivered + lost > record.targets:
        raise ConfigError(f"expected 0 to {record.targets} targets, received {delivered} delivered and {lost} lost")
    if not 0 <= (record.completed_after or 0) <= len(record.actions):
        raise ConfigError(f"completed_after: expected 0 to {len(record.actions)}, received {record.completed_after}")
    if not 0 <= record.others_delivered <= record.others:
        raise ConfigError(f"expected 0 to {record.others} other objects, received {record.others_delivered} delivered")
    for action in record.actions:
        if min(action.targets_delivered, action.others_delivered, action.robot_seconds, action.opening) < 0:
            raise ConfigError(f"expected counts and times of at least 0, received {action}")


def read_episode_records(folder: Path) -> list[EpisodeRecord]:
    """Read all records in a folder.

    Args:
        folder: Of a benchmark.

    Returns:
        The records, oldest first; none if the folder has no file of them. An unfinished last line is left out.

    Raises:
        ConfigError: The file is unreadable, or a line is not a valid record.
    """
    path = folder / RECORDS
    return [from_json(line) for line in read_lines(path)] if path.exists() else []


def append_record(folder: Path, record: EpisodeRecord) -> None:
    """Append a record to the file in a folder, which is created if need be.

    Args:
        folder: Of the benchmark.
        record: To append. It replaces an unfinished last line, which an interrupted run may have left.
    """
    append_line(folder / RECORDS, to_json(record))


def latest_edition(records: Iterable[EpisodeRecord]) -> list[EpisodeRecord]:
    """Select the records that may be pooled with the last one.

    Args:
        records: Oldest first.

    Returns:
        The records that share the last one's configuration and are quick if it is, in the same order. Of an episode
        that was recorded several times only the first record counts.
    """
    records = list(records)
    if not records:
        return []
    last, once = records[-1].plan, {record.plan.identity: record for record in reversed(records)}
    same = [
        item for item in once.values() if (item.plan.config_hash, item.plan.quick) == (last.config_hash, last.quick)
    ]
    return same[::-1]
