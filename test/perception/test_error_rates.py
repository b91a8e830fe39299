"""How often attention errs over whole jobs in the simulated cell, against what the renderer knows. Takes minutes.

Every scene is seen first as generated, then while block after block is taken away: the targets first, or all ordinary
blocks first. The model of ordinary looks is kept over a job.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pybullet
import pytest
from drawn_scenes import on_the_map
from numpy.typing import NDArray

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attention, AttentionState, Heightmap
from impurity_grasp_ros.perception.appearance import Appearance
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.simulation.environment import Environment

CONFIG = packaged_parameters("attention_node", AttentionConfig)
PROJECTION = ProjectionConfig(
    z_min=-0.02, z_max=0.30, min_points=1000, drop_flying=False, fill=True, max_incidence_deg=72.0
)
IN_VIEW = 30
"""Cells of the heightmap that targets cover when they count as in view."""

FEW_LEFT = 4

CASES = [
    # scene, targets, ordinary blocks, scenes; then the greatest rates of misses and of wrong targets that pass
    ("random", 2, 15, 60, 0.01, 0.01),
    ("challenging", 2, 8, 60, 0.01, 0.01),
    ("invisible", 2, 19, 60, 0.12, 0.01),
    ("challenging", 3, 6, 30, 0.02, 0.02),
    ("random", 3, 6, 30, 0.06, 0.02),
]


def observed(environment: Environment) -> tuple[Heightmap, NDArray[np.bool_]]:
    """The heightmap and which of its cells (R, C) show a target."""
    frame, bodies = environment.camera.capture_with_bodies()
    shown = np.isin(bodies, environment.scene.targets).astype(np.uint8)
    grid = environment.cell.workspace.grid
    truth = project(replace(frame, color=np.repeat(shown[..., None], 3, axis=2)), grid, PROJECTION)
    return project(frame, grid, PROJECTION), truth.color[..., 0] > 0


def take_away(environment: Environment, body: int) -> None:
    """Remove a block and let all others come to rest."""
    environment.world.remove_body(body)
    for other in environment.world.bodies:
        environment.world.bullet.changeDynamics(other, -1, activationState=pybullet.ACTIVATION_STATE_WAKE_UP)
    environment.world.settle(1.5)


def frames(environment: Environment, order: list[int]) -> Iterator[tuple[Heightmap, NDArray[np.bool_]]]:
    """The scene, then what is left after taking blocks away in this order; every third frame in the middle."""
    yield observed(environment)
    for taken, body in enumerate(order[:-1]):
        take_away(environment, body)
        if taken % 3 == 0 or taken < 3 or len(order) - taken - 1 <= FEW_LEFT:
            yield observed(environment)


def verdict(attention: Attention, truth: NDArray[np.bool_]) -> str:
    """What is wrong with a decision: missed, clear instead of target, wrong target; or right."""
    if attention.state is AttentionState.TARGET:
        mask = on_the_map(attention)
        return "right" if truth[mask].mean() >= 0.5 else "wrong target"
    if truth.sum() < IN_VIEW:
        return "right"
    return "clear" if attention.state is AttentionState.CLEAR else "candidate"


def job(environment: Environment, order: list[int], verdicts: dict[bool, Counter[str]]) -> None:
    """Attend to all frames of a job and count the verdicts, those with a target in view apart."""
    appearance: Appearance | None = None
    for heightmap, truth in frames(environment, order):
        attention, appearance = attend(heightmap, appearance, CONFIG)
        verdicts[bool(truth.sum() >= IN_VIEW)][verdict(attention, truth)] += 1


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
    capsys: pytest.CaptureFixture[str],
) -> None:
    environment = Environment()
    verdicts: dict[bool, Counter[str]] = {True: Counter(), False: Counter()}
    for seed in range(1000, 1000 + scenes):
        for targets_first in (True, False):
            environment.reset(seed, scene, targets, blocks)
            impure = list(environment.scene.targets)
            ordinary = [body for body in environment.scene.blocks if body not in impure]
            np.random.default_rng(seed).shuffle(ordinary)
            job(environment, impure + ordinary if targets_first else ordinary + impure, verdicts)
    environment.close()
    with capsys.disabled():
        print(f"\n{scene}, {targets} of {targets + blocks}, {scenes} scenes")
        for in_view, counts in verdicts.items():
            print(f"  target {'in view' if in_view else 'not in view'}: {counts.total()} frames, {dict(counts)}")
    seen, unseen = verdicts[True], verdicts[False]
    assert seen["clear"] + seen["candidate"] <= missed * seen.total()
    assert seen["wrong target"] + unseen["wrong target"] <= wrong * (seen.total() + unseen.total())
