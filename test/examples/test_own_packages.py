"""Actors and modes of attention of other packages run in the benchmark and in the graph."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from graph import Client, running_graph, until

from impurity_grasp.action import PickImpurities
from impurity_grasp_ros.errors import ErrorCode

EXAMPLES = Path(__file__).resolve().parents[2] / "examples"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The example packages, installed into a folder of their own, and the module path with it."""
    folder = tmp_path_factory.mktemp("site")
    packages = [str(EXAMPLES / name) for name in ("own_actor", "own_attention")]
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--no-build-isolation", "--no-index"]
    subprocess.run([*command, "--target", str(folder), *packages], check=True, timeout=120)
    with pytest.MonkeyPatch.context() as patch:
        path = os.pathsep.join(filter(None, (str(folder), os.environ.get("PYTHONPATH", ""))))
        patch.setenv("PYTHONPATH", path)
        yield path


@pytest.mark.sim
@pytest.mark.parametrize("policy", ["top-down", "reddest/analytic"])
def test_a_benchmark_runs_them(installed: str, tmp_path: Path, policy: str) -> None:
    words = ["benchmark", "--policy", policy, "--scene", "invisible", "--episodes", "1", "--quick", "--workers", "1"]
    code = "from impurity_grasp_ros.cli.main import main; main()"
    run = subprocess.run(
        [sys.executable, "-c", code, *words, "--output", str(tmp_path)], capture_output=True, text=True, timeout=240
    )
    assert run.returncode == 0, run.stdout + run.stderr
    (line,) = (tmp_path / "records.jsonl").read_text().splitlines()
    assert policy in line
    assert json.loads(line)["actions"]


def first_decision(client: Client) -> None:
    client.await_graph()
    until(lambda: client.decisions, "a decision")


@pytest.mark.ros
@pytest.mark.sim
def test_the_graph_runs_them(installed: str, tmp_path: Path) -> None:
    with running_graph(
        tmp_path,
        bullet_bridge_node={"scene": "random", "seed": 3, "targets": 1, "blocks": 4},
        policy_node={"actor": "top-down"},
        attention_node={"mode": "reddest"},
    ) as graph:
        client = graph.client
        answer = client.result(client.send(client.pick, PickImpurities.Goal(dry_run=True))).result
    assert ErrorCode(answer.error_code) is ErrorCode.NONE, answer.error_msg


@pytest.mark.ros
@pytest.mark.sim
@pytest.mark.parametrize(("actor", "mode"), [("s-rgm", "outlier"), ("vpg", "whole"), ("s-vpg", "target-only")])
def test_the_graph_runs_the_baselines(tmp_path: Path, actor: str, mode: str) -> None:
    with running_graph(
        tmp_path,
        bullet_bridge_node={"scene": "random", "seed": 3, "targets": 1, "blocks": 4},
        policy_node={"actor": actor},
        attention_node={"mode": mode},
    ) as graph:
        client = graph.client
        answer = client.result(client.send(client.pick, PickImpurities.Goal(max_actions=1)), 120.0).result
    assert len(answer.attempts) == 1, answer.error_msg
