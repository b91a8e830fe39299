"""Records of attention over whole jobs, one JSON object per line, from which every figure about it is computed."""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass, replace
from enum import Enum
from pathlib import Path

from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.json_lines import append_line, parse_record, read_lines

ATTENTION_RECORDS = "attention.jsonl"


class Hit(Enum):
    """What the mask of a target lies on."""

    NOTHING = "nothing"
    """There is no mask: the state is not TARGET."""
    ODD = "odd"
    """At least half of its cells show a target."""
    ORDINARY = "ordinary"
    """Most of its other cells show an ordinary object."""
    TABLE = "table"
    """Most of its other cells show no object."""


@dataclass(frozen=True)
class JobPlan:
    """What determines a job. Equal plans give equal records, except for times.

    Attributes:
        scene: Name of the scene.
        seed: Seed of the scene. In jobs of even seeds, targets are removed first, in others the ordinary objects.
        mode: Mode of attention.
        removals: Number of objects that are removed one by one.
        config_hash: Hash of the shipped configuration and weights.
        commit: Commit of the code.
    """

    scene: str
    seed: int
    mode: str
    removals: int
    config_hash: str = ""
    commit: str = ""

    @property
    def identity(self) -> tuple[object, ...]:
        """What tells jobs apart: everything but the commit."""
        return self.scene, self.seed, self.mode, self.removals, self.config_hash

    @property
    def targets_first(self) -> bool:
        """Whether targets are removed before ordinary objects."""
        return self.seed % 2 == 0


@dataclass(frozen=True)
class ObjectRecord:
    """An object as the mode saw it: its probability of being a target, and whether half of its cells show one."""

    probability: float
    odd: bool


@dataclass(frozen=True)
class FrameRecord:
    """One view of a job, as judged by the simulator.

    Attributes:
        step: Number of objects removed before.
        state: Name of the AttentionState, or of the ErrorCode if the view was refused.
        score: Confidence that a target is in view; None if the view was refused.
        hit: What the target's mask lies on.
        iou: Intersection over union of the mask and the visible cells of the object that most of it lies on; None
            without such an object.
        targets_left: Targets in the workspace, in view or not.
        targets_in_view: Those that cover at least IN_VIEW_CELLS cells.
        objects_in_view: Objects of any kind that do.
        objects_found: Those that one of the mode's objects matches; None if the mode does not tell objects apart.
        objects: The mode's objects; None if it does not tell them apart.
        seconds: Wall time from heightmap to attention.
    """

    step: int
    state: str
    score: float | None
    hit: Hit
    iou: float | None
    targets_left: int
    targets_in_view: int
    objects_in_view: int
    objects_found: int | None
    objects: tuple[ObjectRecord, ...] | None
    seconds: float

    @property
    def wrong(self) -> bool:
        """Whether a wrong object was taken for a target."""
        return self.hit in (Hit.ORDINARY, Hit.TABLE)

    @property
    def missed(self) -> bool:
        """Whether a target was in view and none was reported."""
        return self.targets_in_view > 0 and self.hit is Hit.NOTHING

    @property
    def false_clear(self) -> bool:
        """Whether clear was reported while a target lay in the workspace."""
        return self.state == AttentionState.CLEAR.name and self.targets_left > 0

    @property
    def refused(self) -> bool:
        """Whether the view was refused with an error."""
        return self.score is None


@dataclass(frozen=True)
class JobRecord:
    """One job.

    Attributes:
        plan: What determined it.
        frames: In their order; none if the seed gives no valid scene.
    """

    plan: JobPlan
    frames: tuple[FrameRecord, ...]

    def without_times(self) -> JobRecord:
        """The same record with all times 0, which is equal for equal plans."""
        return replace(self, frames=tuple(replace(frame, seconds=0.0) for frame in self.frames))


def to_json(record: JobRecord) -> str:
    """Serialize a record as one line of JSON, without a line end."""
    values = asdict(record)
    for frame in values["frames"]:
        frame["hit"] = frame["hit"].value
    return json.dumps(values.pop("plan") | values, allow_nan=False)


def from_json(line: str) -> JobRecord:
    """Parse a record.

    Args:
        line: As :func:`to_json` returns it.

    Returns:
        The record.

    Raises:
        ConfigError: A field is missing, unknown or of another type, or a number is impossible.
    """
    return parse_record(JobRecord, JobPlan, line, "a job", _check_numbers)


def _check_numbers(record: JobRecord) -> None:
    """Raise ConfigError if a number is impossible."""
    for frame in record.frames:
        _check_frame(frame)


def _check_frame(frame: FrameRecord) -> None:
    if not 0 <= frame.targets_in_view <= min(frame.targets_left, frame.objects_in_view):
        raise ConfigError(f"targets_in_view: expected 0 to the numbers of targets and objects, received {frame}")
    if not (0 <= (frame.objects_found or 0) <= frame.objects_in_view and min(frame.step, frame.seconds) >= 0):
        raise ConfigError(f"expected no negative number, and no more objects found than in view, received {frame}")
    shares = [item.probability for item in frame.objects or ()] + [frame.iou or 0.0]
    if not all(0.0 <= share <= 1.0 for share in shares):
        raise ConfigError(f"expected probabilities and IoU from 0 to 1, received {frame}")


def read_job_records(folder: Path) -> list[JobRecord]:
    """Read all records in a folder.

    Args:
        folder: Of a benchmark of attention.

    Returns:
        The records, oldest first; none if the folder has no file of them. An unfinished last line is left out. Of a
        job that was recorded several times only the first record counts.

    Raises:
        ConfigError: The file is unreadable, a line is not a valid record, or the records are of several configurations.
    """
    path = folder / ATTENTION_RECORDS
    records = [from_json(line) for line in read_lines(path)] if path.exists() else []
    check_same_configuration([record.plan for record in records], folder)
    return list({record.plan.identity: record for record in reversed(records)}.values())[::-1]


def check_same_configuration(plans: Iterable[JobPlan], folder: Path) -> None:
    """Raise ConfigError unless all plans have the same configuration and number of removals; names the folder."""
    kinds = list(dict.fromkeys((plan.config_hash, plan.removals) for plan in plans))
    if len(kinds) > 1:
        found = " and ".join(f"{digits} with {removals} removals" for digits, removals in kinds[:2])
        raise ConfigError(f"{folder}: expected records of one configuration, received {found}; use another folder")


def append_job_record(folder: Path, record: JobRecord) -> None:
    """Append a record to the file in a folder, which is created if need be; see :func:`.append_line`."""
    append_line(folder / ATTENTION_RECORDS, to_json(record))
