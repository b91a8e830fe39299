"""Work on a Ray cluster, here one of this machine alone."""

from __future__ import annotations

import math
import os
from pathlib import Path

import pytest
import ray

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.evaluation.benchmark import make_plans, run_plans
from impurity_grasp_ros.evaluation.cluster import work_off_on

OWN = "local"
"""Ray's word for a cluster of its own on this machine."""


def test_all_tasks_are_carried_out_and_the_cluster_is_left() -> None:
    assert sorted(work_off_on(OWN, math.sqrt, [1, 4, 9, 16, 25], 2, os.getpid)) == [1, 2, 3, 4, 5]
    assert not ray.is_initialized()


def test_an_exception_ends_the_work() -> None:
    results = work_off_on(OWN, math.sqrt, [4, -1, 9], 1)
    assert next(results) == 2
    with pytest.raises(ValueError, match="math domain error"):
        list(results)
    assert not ray.is_initialized()


def test_a_task_on_which_processes_die_is_a_fault() -> None:
    with pytest.raises(DeviceFaultError, match="expected the workers at local to live"):
        list(work_off_on(OWN, os._exit, [3], 1))


@pytest.mark.slow
@pytest.mark.sim
def test_a_benchmark_on_a_cluster_gives_the_same_records(tmp_path: Path) -> None:
    plans = make_plans(["analytic"], ["challenging"], [1000, 1001], quick=True)
    here, there = (
        {record.plan.seed: record.without_times() for record in run_plans(plans, tmp_path / name, 2, None, address)}
        for name, address in (("here", None), ("there", OWN))
    )
    assert here == there
