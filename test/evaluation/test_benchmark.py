"""A benchmark on a process of its own: recorded at once, resumed, the same as in this process."""

from __future__ import annotations

import os
import shutil
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest
from episodes import episode

from impurity_grasp_ros.errors import ConfigError, DeviceFaultError, UnknownSceneError
from impurity_grasp_ros.evaluation import provenance
from impurity_grasp_ros.evaluation.benchmark import Bench, make_plans, recorded, run_plans, unrecorded
from impurity_grasp_ros.evaluation.record import EpisodePlan, append_record, read_episode_records


@pytest.mark.sim
def test_a_benchmark_is_resumed_where_it_ended_and_no_process_makes_a_difference(tmp_path: Path, bench: Bench) -> None:
    plans = make_plans(["analytic"], ["random"], [1000, 1001], quick=True)
    append_record(tmp_path, bench.run(plans[0]))
    (open_plan,) = unrecorded(plans, tmp_path)
    assert open_plan.seed == 1001
    (second,) = run_plans([open_plan], tmp_path, workers=1)
    assert unrecorded(plans, tmp_path) == []
    records = read_episode_records(tmp_path)
    assert [record.plan for record in records] == plans
    assert records[1] == second
    assert bench.run(plans[1]).without_times() == second.without_times()


def test_plans_cover_every_policy_on_the_same_scenes() -> None:
    plans = make_plans(["analytic"], ["random", "invisible"], range(3), quick=False)
    assert len(set(plans)) == 6
    assert {plan.config_hash for plan in plans} == {provenance.shipped_files_hash()}


TOWER = "config/scenes/examples/tower.yaml"


def test_presets_are_scenes_whose_files_belong_to_the_plan(tmp_path: Path) -> None:
    shipped = Path(__file__).resolve().parents[2] / TOWER
    own = Path(shutil.copytree(shipped.parent, tmp_path / "own")) / "tower.yaml"
    plain, preset = make_plans(["analytic"], ["random", str(own)], [0], quick=True)
    assert preset.scene == str(own)
    hashes = {plain.config_hash, preset.config_hash}
    for path in (own, own.with_name("pyramid.obj")):
        path.write_text(path.read_text() + "\n# a comment\n")
        hashes.add(make_plans(["analytic"], [str(own)], [0], quick=True)[0].config_hash)
    assert len(hashes) == 4
    with pytest.raises(ConfigError, match=r"moon\.yaml"):
        make_plans(["analytic"], ["moon.yaml"], [0], quick=False)


@pytest.mark.sim
def test_an_episode_of_a_preset_is_recorded(tmp_path: Path, bench: Bench) -> None:
    (plan,) = make_plans(["analytic"], [TOWER], [0], quick=True)
    append_record(tmp_path, bench.run(plan))
    (record,) = recorded([plan], tmp_path)
    assert record.targets > 0
    assert record.fault == ""


def test_unknown_names_are_refused_before_anything_runs() -> None:
    with pytest.raises(ConfigError, match="moon"):
        make_plans(["moon"], ["random"], [0], quick=False)
    with pytest.raises(UnknownSceneError, match="moon"):
        make_plans(["analytic"], ["moon"], [0], quick=False)


def test_the_hash_follows_configuration_and_weights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(provenance, "resource", tmp_path.joinpath)
    (tmp_path / "config" / "scenes").mkdir(parents=True)
    hashes = {provenance.shipped_files_hash()}
    for name in ("config/scenes/a.yaml", "config/b.yaml", "models/agent.safetensors"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("content")
        hashes.add(provenance.shipped_files_hash())
    (tmp_path / "config/b.yaml").write_text("other")
    hashes.add(provenance.shipped_files_hash())
    (tmp_path / "config/README.md").write_text("no part of it")
    hashes.add(provenance.shipped_files_hash())
    assert len(hashes) == 5
    assert all(len(digits) == 12 for digits in hashes)


def test_plans_go_seed_by_seed_through_scenes_and_policies() -> None:
    plans = make_plans(["ours", "vpg"], ["random", "noisy"], [7, 5], quick=True)
    assert [(plan.seed, plan.scene, plan.policy) for plan in plans] == [
        (7, "random", "ours"),
        (7, "random", "vpg"),
        (7, "noisy", "ours"),
        (7, "noisy", "vpg"),
        (5, "random", "ours"),
        (5, "random", "vpg"),
        (5, "noisy", "ours"),
        (5, "noisy", "vpg"),
    ]
    assert all(plan.quick for plan in plans)
    assert {plan.commit for plan in plans} == {provenance.commit()}


def test_a_plan_has_its_first_record_whatever_the_commit(tmp_path: Path) -> None:
    first, again, other = episode("GG"), episode("PPGG"), episode("GG", seed=1)
    for record in (first, again):
        append_record(tmp_path, record)
    plans = [other.plan, replace(first.plan, commit="another")]
    assert recorded(plans, tmp_path) == [first]
    assert unrecorded(iter(plans), tmp_path) == [other.plan]
    assert recorded(plans, tmp_path / "nowhere") == []


def test_a_worker_that_dies_is_a_fault_and_the_environment_is_as_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    monkeypatch.delenv("MKL_NUM_THREADS", raising=False)
    runs = run_plans([EpisodePlan("analytic", "random", 1)], tmp_path, 1, prepare=partial(os._exit, 3))
    with pytest.raises(DeviceFaultError, match="expected 1 workers to live, one died"):
        next(runs)
    assert os.environ["OMP_NUM_THREADS"] == "7"
    assert "MKL_NUM_THREADS" not in os.environ
    assert read_episode_records(tmp_path) == []
