"""Benchmarks of attention alone: jobs on families of scenes, each recorded as it ends, so that one can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import replace
from importlib.util import find_spec
from itertools import product
from pathlib import Path

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.errors import ConfigError, SceneNotSettledError
from impurity_grasp_ros.evaluation.attention_record import (
    ATTENTION_RECORDS,
    JobPlan,
    JobRecord,
    append_job_record,
    check_same_configuration,
    read_job_records,
)
from impurity_grasp_ros.evaluation.attention_verdict import Judged, observe
from impurity_grasp_ros.evaluation.provenance import commit, shipped_files_hash
from impurity_grasp_ros.evaluation.record import RECORDS
from impurity_grasp_ros.evaluation.removals import removal_order, views
from impurity_grasp_ros.evaluation.workers import work_off
from impurity_grasp_ros.perception.attention import ATTENTIONS
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.simulation import real_objects
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.scene_config import load_scene

REAL_OBJECTS = "real_objects"
SCENES = (
    "random", "coal_slate", "mushroom_stone", "printed", "assorted", REAL_OBJECTS, "texture", "shape", "nothing_odd",
)  # fmt: skip
"""The families on which attention is measured, in the order in which they are listed."""


def default_scenes() -> list[str]:
    """The families on which attention is measured; photographed objects only if they are installed."""
    return [name for name in SCENES if name != REAL_OBJECTS or find_spec(real_objects.PACKAGE)]


def make_job_plans(modes: Sequence[str], scenes: Sequence[str], seeds: Iterable[int], removals: int) -> list[JobPlan]:
    """Plan every mode on the same jobs, seed by seed, with the provenance of this installation.

    Args:
        modes: Their names.
        scenes: Their names.
        seeds: Of the scenes.
        removals: Number of objects that are removed one by one.

    Returns:
        The plans.

    Raises:
        ConfigError: There is no such mode.
        UnknownSceneError: There is no such scene.
    """
    for mode in modes:
        ATTENTIONS.check(mode)
    for scene in scenes:
        load_scene(scene)
    configuration, code = shipped_files_hash(), commit()
    return [
        JobPlan(scene, seed, mode, removals, configuration, code) for seed, scene, mode in product(seeds, scenes, modes)
    ]


def recorded_jobs(plans: Sequence[JobPlan], folder: Path) -> list[JobRecord]:
    """Find the first record of every plan that has one, whatever the commit.

    Args:
        plans: To look for.
        folder: Of the benchmark.

    Returns:
        The records, in the order of the plans.

    Raises:
        ConfigError: The folder holds records of another configuration, another number of removals or another kind of
            benchmark, or its file is not valid.
    """
    if (folder / RECORDS).exists():
        raise ConfigError(f"{folder}: expected {ATTENTION_RECORDS} or nothing, received {RECORDS}; use another folder")
    known = read_job_records(folder)
    check_same_configuration([*(record.plan for record in known), *plans], folder)
    records = {record.plan.identity: record for record in known}
    return [records[plan.identity] for plan in plans if plan.identity in records]


def run_job(
    environment: Environment, plans: Sequence[JobPlan], on_frame: Callable[[Judged], None] = lambda _: None
) -> list[JobRecord]:
    """Carry out plans that differ in their modes alone: all modes see the same views.

    Args:
        environment: The simulated cell.
        plans: At least one.
        on_frame: Called with every verdict.

    Returns:
        The records, in the order of the plans. They have no frames if the seed gives no valid scene.

    Raises:
        ConfigError: A mode offers objects that are not valid, or the scene needs a package that is not installed.
    """
    plan = plans[0]
    if others := [other for other in plans if replace(other, mode=plan.mode) != plan]:
        raise ConfigError(f"expected plans that differ in their modes alone, received {plan} and {others[0]}")
    try:
        scene = environment.reset(plan.seed, plan.scene)
    except SceneNotSettledError:
        return [JobRecord(plan, ()) for plan in plans]
    order = removal_order(scene, targets_first=plan.targets_first)[: plan.removals]
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    frames = observe(views(environment, order, projection), [plan.mode for plan in plans], on_frame)
    return [JobRecord(plan, frames[plan.mode]) for plan in plans]


def together(plans: Iterable[JobPlan]) -> list[tuple[JobPlan, ...]]:
    """Group plans that :func:`run_job` can carry out together, in their order."""
    groups: dict[JobPlan, list[JobPlan]] = {}
    for plan in plans:
        groups.setdefault(replace(plan, mode=""), []).append(plan)
    return [tuple(group) for group in groups.values()]


_environments: list[Environment] = []
"""The cell of this worker process, from its first job on."""


def _carry_out(plans: tuple[JobPlan, ...]) -> list[JobRecord]:
    if not _environments:
        _environments.append(Environment())
    return run_job(_environments[0], plans)


def run_jobs(
    plans: Sequence[JobPlan], folder: Path, workers: int, prepare: Callable[[], None] | None = None
) -> Generator[JobRecord, None, None]:
    """Carry out plans on several processes.

    An exception ends the benchmark, as does closing the iterator; the records so far remain.

    Args:
        plans: To carry out.
        folder: Where each record is appended.
        workers: Number of processes.
        prepare: Called first in every process; has to be importable.

    Yields:
        Each record after it was appended, in the order in which jobs end.

    Raises:
        DeviceFaultError: A process died.
    """
    with closing(work_off(_carry_out, together(plans), workers, prepare)) as groups:
        for record in (record for group in groups for record in group):
            append_job_record(folder, record)
            yield record
