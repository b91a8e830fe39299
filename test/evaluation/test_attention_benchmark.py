"""A benchmark of attention: recorded at once, resumed, the same on every process, and not mixed with another one."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from attention_jobs import frame, job
from episodes import episode

from impurity_grasp_ros.errors import ConfigError, SceneNotSettledError, UnknownSceneError
from impurity_grasp_ros.evaluation import attention_benchmark, provenance
from impurity_grasp_ros.evaluation.attention_benchmark import (
    SCENES,
    default_scenes,
    make_job_plans,
    recorded_jobs,
    run_job,
    run_jobs,
    together,
)
from impurity_grasp_ros.evaluation.attention_record import append_job_record, read_job_records
from impurity_grasp_ros.evaluation.record import append_record
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.scene_config import scene_names


def test_plans_go_seed_by_seed_through_scenes_and_modes() -> None:
    plans = make_job_plans(["outlier", "whole"], ["random", "shape"], [7, 5], removals=2)
    assert [(plan.seed, plan.scene, plan.mode) for plan in plans] == [
        (seed, scene, mode) for seed in (7, 5) for scene in ("random", "shape") for mode in ("outlier", "whole")
    ]
    assert {(plan.removals, plan.config_hash) for plan in plans} == {(2, provenance.shipped_files_hash())}
    assert [[plan.mode for plan in group] for group in together(plans)] == [["outlier", "whole"]] * 4


def test_unknown_names_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="moon"):
        make_job_plans(["moon"], ["random"], [0], removals=0)
    with pytest.raises(UnknownSceneError, match="moon"):
        make_job_plans(["outlier"], ["moon"], [0], removals=0)


def test_photographed_objects_are_measured_only_where_they_are_installed(monkeypatch: pytest.MonkeyPatch) -> None:
    assert set(SCENES) <= set(scene_names())
    monkeypatch.setattr(attention_benchmark, "find_spec", lambda _: None)
    assert default_scenes() == [name for name in SCENES if name != "real_objects"]
    monkeypatch.setattr(attention_benchmark, "find_spec", lambda _: "found")
    assert default_scenes() == list(SCENES)


def test_a_plan_has_its_first_record_whatever_the_commit(tmp_path: Path) -> None:
    first, again, other = job(frame()), job(frame("CLEAR")), job(frame(), seed=1)
    for record in (first, again):
        append_job_record(tmp_path, record)
    plans = [other.plan, replace(first.plan, commit="another")]
    assert recorded_jobs(plans, tmp_path) == [first]
    assert recorded_jobs(plans, tmp_path / "nowhere") == []


def test_a_folder_of_another_configuration_is_refused(tmp_path: Path) -> None:
    record = job(frame())
    append_job_record(tmp_path, record)
    with pytest.raises(ConfigError, match="received 0123456789ab with 3 removals and 0123456789ab with 0 removals"):
        recorded_jobs([replace(record.plan, removals=0)], tmp_path)
    with pytest.raises(ConfigError, match="received 0123456789ab with 3 removals and fff with 3 removals"):
        recorded_jobs([replace(record.plan, config_hash="fff")], tmp_path)


def test_a_folder_of_another_kind_of_benchmark_is_refused(tmp_path: Path) -> None:
    append_record(tmp_path, episode("GG"))
    with pytest.raises(ConfigError, match=r"expected attention\.jsonl or nothing, received records\.jsonl"):
        recorded_jobs([job().plan], tmp_path)


def test_plans_of_several_scenes_are_not_carried_out_together(environment: Environment) -> None:
    with pytest.raises(ConfigError, match="modes alone"):
        run_job(environment, [job(seed=0).plan, job(seed=1).plan])


@pytest.mark.sim
def test_a_seed_without_a_scene_is_recorded_without_frames(
    environment: Environment, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise SceneNotSettledError("expected a scene, received none")

    monkeypatch.setattr(environment, "reset", fail)
    plan = job().plan
    assert run_job(environment, [plan]) == [job()]


@pytest.mark.sim
def test_it_is_resumed_where_it_ended_and_no_process_or_company_makes_a_difference(
    tmp_path: Path, environment: Environment
) -> None:
    plans = make_job_plans(["outlier", "vocus2"], ["random"], [1000, 1001], removals=1)
    for record in run_job(environment, plans[:2])[:1]:
        append_job_record(tmp_path, record)
    open_plans = plans[1:]
    assert [record.plan for record in recorded_jobs(plans, tmp_path)] == plans[:1]
    produced = list(run_jobs(open_plans, tmp_path, workers=1))
    assert [record.plan for record in produced] == open_plans
    assert recorded_jobs(plans, tmp_path) == read_job_records(tmp_path)
    again = run_job(environment, plans[:2])
    assert again[1].without_times() == produced[0].without_times()
    assert [len(record.frames) for record in again] == [2, 2]
    assert again[0].frames[0].targets_left == again[0].frames[1].targets_left + 1  # an even seed: targets first
    assert produced[1].frames[0].targets_left == produced[1].frames[1].targets_left
