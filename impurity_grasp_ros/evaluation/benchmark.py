"""Benchmarks: many episodes on several processes, each recorded as it ends, so that a benchmark can be resumed."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from itertools import product
from pathlib import Path

from impurity_grasp_ros.evaluation.episode import OnDecision, run_episode
from impurity_grasp_ros.evaluation.policies import Policy, check_name, make_policy
from impurity_grasp_ros.evaluation.provenance import commit, shipped_files_hash
from impurity_grasp_ros.evaluation.record import EpisodePlan, EpisodeRecord, append_record, read_episode_records
from impurity_grasp_ros.evaluation.workers import work_off
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.presets import PRESET_SUFFIX, load_preset
from impurity_grasp_ros.simulation.scene_config import load_scene


def make_plans(
    policies: Sequence[str], scenes: Sequence[str], seeds: Iterable[int], *, quick: bool
) -> list[EpisodePlan]:
    """Plan every policy on the same scenes, seed by seed, with the provenance of this installation.

    Args:
        policies: Their names.
        scenes: Their names, or paths of presets.
        seeds: Of the scenes.
        quick: Whether episodes end at completion, and have a smaller budget.

    Returns:
        The plans.

    Raises:
        ConfigError: There is no such policy, or a preset is invalid.
        UnknownSceneError: There is no such scene.
    """
    for policy in policies:
        check_name(policy)
    hashes = {scene: shipped_files_hash(files_of(scene)) for scene in scenes}
    code = commit()
    return [
        EpisodePlan(policy, scene, seed, quick, hashes[scene], code)
        for seed, scene, policy in product(seeds, scenes, policies)
    ]


def files_of(scene: str) -> tuple[Path, ...]:
    """Find the files that are not shipped on which a scene depends.

    Args:
        scene: Name of a scene, or path of a preset.

    Raises:
        UnknownSceneError: There is no such scene.
        ConfigError: The preset is missing or invalid.
    """
    if scene.endswith(PRESET_SUFFIX):
        return load_preset(scene).files
    load_scene(scene)
    return ()


def recorded(plans: Iterable[EpisodePlan], folder: Path) -> list[EpisodeRecord]:
    """Find the first record of every plan that has one, whatever the commit.

    Args:
        plans: To look for.
        folder: Of the benchmark.

    Returns:
        The records, in the order of the plans.

    Raises:
        ConfigError: The file is unreadable, or a line is not a valid record.
    """
    records = {record.plan.identity: record for record in reversed(read_episode_records(folder))}
    return [records[plan.identity] for plan in plans if plan.identity in records]


def unrecorded(plans: Iterable[EpisodePlan], folder: Path) -> list[EpisodePlan]:
    """Find the plans that have no record yet.

    Args:
        plans: To look for.
        folder: Of the benchmark.

    Returns:
        The plans without a record, in their order.

    Raises:
        ConfigError: The file is unreadable, or a line is not a valid record.
    """
    plans = list(plans)
    known = {record.plan.identity for record in recorded(plans, folder)}
    return [plan for plan in plans if plan.identity not in known]


@dataclass
class Bench:
    """One simulated cell and the policies that were run on it. Not safe for use by several threads at a time.

    Attributes:
        environment: The cell.
    """

    environment: Environment = field(default_factory=Environment)
    _policies: dict[str, Policy] = field(default_factory=dict)

    def run(self, plan: EpisodePlan, on_decision: OnDecision = lambda _: None) -> EpisodeRecord:
        """Carry out a plan; see :func:`~impurity_grasp_ros.evaluation.episode.run_episode`."""
        if plan.policy not in self._policies:
            self._policies[plan.policy] = make_policy(plan.policy, self.environment)
        return run_episode(self.environment, self._policies[plan.policy], plan, on_decision)

    def close(self) -> None:
        """Close the physics engine."""
        self.environment.close()


_benches: list[Bench] = []
"""The bench of this worker process, from its first episode on."""


def _carry_out(plan: EpisodePlan) -> EpisodeRecord:
    if not _benches:
        _benches.append(Bench())
    return _benches[0].run(plan)


def run_plans(
    plans: Sequence[EpisodePlan],
    folder: Path,
    workers: int,
    prepare: Callable[[], None] | None = None,
    ray_address: str | None = None,
) -> Generator[EpisodeRecord, None, None]:
    """Carry out plans on several processes.

    An exception that is not a fault of the episode ends the benchmark, as does closing the iterator; the records so far
    remain.

    Args:
        plans: To carry out.
        folder: Where each record is appended.
        workers: Number of processes.
        prepare: Called first in every process; has to be importable.
        ray_address: An existing Ray cluster instead of this machine.

    Yields:
        Each record after it was appended, in the order in which episodes end.

    Raises:
        DeviceFaultError: A process died.
    """
    with closing(_work_off(plans, workers, prepare, ray_address)) as records:
        for record in records:
            append_record(folder, record)
            yield record


def _work_off(
    plans: Sequence[EpisodePlan], workers: int, prepare: Callable[[], None] | None, ray_address: str | None
) -> Generator[EpisodeRecord, None, None]:
    if ray_address is None:
        return work_off(_carry_out, plans, workers, prepare)
    from impurity_grasp_ros.evaluation.cluster import work_off_on  # ray takes its time, and may be missing

    return work_off_on(ray_address, _carry_out, plans, workers, prepare)
