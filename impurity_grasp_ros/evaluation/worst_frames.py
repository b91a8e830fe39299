"""The frames in which attention did worst, with pictures: their jobs are run again from the seeds."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace

from impurity_grasp_ros.evaluation.attention_benchmark import run_job, together
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit, JobPlan, JobRecord
from impurity_grasp_ros.evaluation.attention_verdict import Judged
from impurity_grasp_ros.simulation.environment import Environment

DrawJudged = Callable[[Judged], bytes]
"""Draws a view and what a mode of attention made of it as PNG."""

THRESHOLD = 0.5
"""Lowest score of a view with a target."""


@dataclass(frozen=True)
class BadFrame:
    """A frame of a job.

    Attributes:
        plan: The job.
        frame: The verdict.
    """

    plan: JobPlan
    frame: FrameRecord

    @property
    def severity(self) -> tuple[int, float]:
        """The lower, the worse: the kind of error, then the distance of the score from the threshold."""
        frame = self.frame
        errors = (frame.wrong, frame.false_clear, frame.missed, frame.refused, True)
        return errors.index(True), abs((THRESHOLD if frame.score is None else frame.score) - THRESHOLD)

    @property
    def is_error(self) -> bool:
        """Whether it is wrong, not just close to the threshold."""
        return self.frame.wrong or self.frame.false_clear or self.frame.missed or self.frame.refused

    @property
    def caption(self) -> str:
        """Which frame it is and what is wrong with it."""
        removed = self.frame.step
        when = f"{removed} object{'s' * (removed > 1)} removed" if removed else "first frame"
        score = "" if self.frame.score is None else f" (score {self.frame.score:.2f})"
        return f"{self._verdict()}{score}. {self.plan.mode}, seed {self.plan.seed}, {when}."

    def _verdict(self) -> str:
        frame = self.frame
        if frame.refused:
            return f"Refused the view: {frame.state}"
        if frame.wrong:
            what = "Took an ordinary object" if frame.hit is Hit.ORDINARY else "Took mostly table"
            return what if frame.targets_left else f"{what}; no odd one is left"
        if frame.false_clear:
            return "CLEAR, but an odd object is " + ("in view" if frame.targets_in_view else "hidden")
        if frame.missed:
            return f"Missed the odd object: {frame.state}"
        return "Right: the odd object" if frame.hit is Hit.ODD else f"Right: {frame.state}"


@dataclass(frozen=True)
class BadPicture:
    """A frame that was seen again.

    Attributes:
        bad: The frame as recorded.
        picture: PNG file.
        faithful: Whether the second run gave the same verdict.
    """

    bad: BadFrame
    picture: bytes
    faithful: bool

    @property
    def url(self) -> str:
        """The picture as a data URL."""
        return f"data:image/png;base64,{b64encode(self.picture).decode()}"

    @property
    def css_class(self) -> str:
        """``bad`` for an error, else ``neutral``."""
        return "bad" if self.bad.is_error else "neutral"

    @property
    def caption(self) -> str:
        """The caption of the frame, and whether the picture shows what was recorded."""
        doubt = "" if self.faithful else " This run differs from the recorded one: the code has changed."
        return self.bad.caption + doubt


def worst_frames(records: Iterable[JobRecord], count: int) -> list[BadFrame]:
    """Select the worst frames: wrong targets, false CLEARs, missed targets, refused views, then close decisions.

    Args:
        records: Of one family.
        count: Number of frames at most.

    Returns:
        Errors before close decisions. Of both, the worst one of every job comes first, since the frames of one job are
        alike.
    """
    ranked: list[tuple[bool, int, BadFrame]] = []
    for record in records:
        worst = sorted((BadFrame(record.plan, frame) for frame in record.frames), key=lambda bad: bad.severity)
        ranked += [(not bad.is_error, rank, bad) for rank, bad in enumerate(worst)]
    ranked.sort(key=lambda item: (*item[:2], item[2].severity, item[2].plan.seed, item[2].plan.mode))
    return [bad for _, _, bad in ranked[:count]]


def see_again(environment: Environment, frames: Sequence[BadFrame], draw: DrawJudged) -> list[BadPicture]:
    """Run the jobs of some frames again and draw the frames.

    Args:
        environment: The simulated cell.
        frames: To draw.
        draw: Draws one.

    Returns:
        A picture of each frame, in their order; none of a frame that does not come up again.
    """
    again: dict[tuple[JobPlan, int], tuple[bytes, FrameRecord]] = {}
    wanted = {(_anonymous(bad.plan), bad.frame.step) for bad in frames}
    for plans in together(dict.fromkeys(plan for plan, _ in wanted)):
        last = max(step for plan, step in wanted if plan in plans)

        def keep(judged: Judged, plans: Sequence[JobPlan] = plans) -> None:
            key = replace(plans[0], mode=judged.mode), judged.record.step
            if key in wanted:
                again[key] = draw(judged), judged.record

        run_job(environment, [replace(plan, removals=last) for plan in plans], keep)
    return [
        BadPicture(bad, picture, replace(record, seconds=bad.frame.seconds) == bad.frame)
        for bad in frames
        if (found := again.get((_anonymous(bad.plan), bad.frame.step))) is not None
        for picture, record in [found]
    ]


def _anonymous(plan: JobPlan) -> JobPlan:
    """The plan without its commit."""
    return replace(plan, commit="")
