"""How often attention errs over whole jobs in the simulated cell, against what the renderer knows.

Every scene is seen first as generated, then while object after object is taken away: the targets first, or all ordinary
ones first. The model of ordinary looks is kept over a job. The rates take minutes; the short jobs do not.
"""

import math
from collections import Counter
from collections.abc import Iterator

import pytest

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.evaluation.attention_benchmark import default_scenes, make_job_plans, run_job
from impurity_grasp_ros.evaluation.attention_record import FrameRecord, Hit
from impurity_grasp_ros.evaluation.attention_verdict import observe
from impurity_grasp_ros.evaluation.removals import removal_order, views
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.simulation.environment import Environment

PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
FEW_LEFT = 4

CASES = [
    # scene, targets, ordinary blocks, scenes; then the greatest rates of misses and of wrong targets that pass
    ("random", 2, 15, 60, 0.01, 0.01),
    ("challenging", 2, 8, 60, 0.01, 0.01),
    ("invisible", 2, 19, 60, 0.12, 0.01),
    ("challenging", 3, 6, 30, 0.02, 0.02),
    ("random", 3, 6, 30, 0.06, 0.02),
]


@pytest.fixture(scope="module")
def environment() -> Iterator[Environment]:
    environment = Environment()
    yield environment
    environment.close()


@pytest.mark.sim
@pytest.mark.parametrize("scene", default_scenes())
def test_a_short_job_of_every_family_is_judged(scene: str, environment: Environment) -> None:
    (job,) = run_job(environment, make_job_plans(["outlier"], [scene], [1000], removals=2))
    assert [frame.step for frame in job.frames] == [0, 1, 2]
    states = {state.name for state in AttentionState}
    targets = len(environment.scene.targets)
    for frame in job.frames:
        assert frame.state in states
        assert frame.targets_left == max(targets - frame.step, 0)  # an even seed: targets first
        assert frame.objects_in_view <= len(environment.scene.blocks) - frame.step
        assert (frame.hit is Hit.NOTHING) == (frame.state != AttentionState.TARGET.name)
        assert frame.iou is None or 0.0 < frame.iou <= 1.0
        assert frame.score is not None
        assert not math.isnan(frame.score)
        assert frame.objects is None
        assert frame.seconds > 0.0
    if scene == "random":  # blocks of one color, for which the mode is made
        assert [frame.hit for frame in job.frames] == [Hit.ODD, Hit.ODD, Hit.NOTHING]
        assert all(frame.iou > 0.6 for frame in job.frames[:2])


def watched(count: int) -> set[int]:
    """After how many removals to look at a scene of ``count`` objects: every third in the middle."""
    return {0, *(taken + 1 for taken in range(count) if taken % 3 == 0 or taken < 3 or count - taken - 1 <= FEW_LEFT)}


def verdict(frame: FrameRecord) -> str:
    if frame.wrong:
        return "wrong target"
    return frame.state.lower() if frame.missed else "right"


@pytest.mark.slow
@pytest.mark.sim
@pytest.mark.timeout(1800)
@pytest.mark.parametrize(("scene", "targets", "blocks", "scenes", "missed", "wrong"), CASES)
def test_errors_over_whole_jobs(
    scene: str,
    targets: int,
    blocks: int,
    scenes: int,
    missed: float,
    wrong: float,
    environment: Environment,
    capsys: pytest.CaptureFixture[str],
) -> None:
    verdicts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for seed in range(1000, 1000 + scenes):
        for targets_first in (True, False):
            environment.reset(seed, scene, targets, blocks)
            order = removal_order(environment.scene, targets_first=targets_first)
            looks = views(environment, order[:-1], PROJECTION, watched(len(order)))
            for frame in observe(looks, ["outlier"])["outlier"]:
                verdicts[frame.targets_in_view > 0][verdict(frame)] += 1
    with capsys.disabled():
        print(f"\n{scene}, {targets} of {targets + blocks}, {scenes} scenes")
        for in_view, counts in verdicts.items():
            print(f"  target {'in view' if in_view else 'not in view'}: {counts.total()} frames, {dict(counts)}")
    seen, unseen = verdicts[True], verdicts[False]
    assert seen.total() - seen["right"] - seen["wrong target"] <= missed * seen.total()
    assert seen["wrong target"] + unseen["wrong target"] <= wrong * (seen.total() + unseen.total())
