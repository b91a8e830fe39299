"""A running graph records its jobs; the files are complete, and whatever happens to them, jobs go on."""

from __future__ import annotations

import json
import resource
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from graph import SIMULATED, Graph, running_graph, until
from mcap.reader import make_reader
from mcap_ros2.decoder import DecoderFactory

from impurity_grasp.srv import ResetScene
from impurity_grasp_ros.client import PickClient, PickResult
from impurity_grasp_ros.errors import ErrorCode
from impurity_grasp_ros.nodes.conversions import from_heightmap
from impurity_grasp_ros.recording.job_file import Description, Recorded, read

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SCENE = {"scene": "random", "seed": 3, "targets": 1, "blocks": 4}
NODES = (*SIMULATED, "recording_node")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("recordings")


@pytest.fixture(scope="module")
def graph(tmp_path_factory: pytest.TempPathFactory, folder: Path) -> Iterator[Graph]:
    with running_graph(
        tmp_path_factory.mktemp("graph"),
        NODES,
        bullet_bridge_node=SCENE,
        recording_node={"folder": str(folder)},
    ) as running:
        yield running


def pick(graph: Graph, **scene: int) -> PickResult:
    """Run a job on a new scene."""
    answer = graph.client.call(graph.client.reset, ResetScene.Request(**{**SCENE, **scene}))
    assert answer.error_code == 0, answer.error_msg
    with PickClient(node=graph.client.node) as client:
        return client.start().wait(120.0)


def finished(folder: Path, before: set[Path]) -> Path:
    """The recording that was begun and finished after those ``before``."""
    (path,) = until(lambda: set(folder.glob("*.mcap")) - before, "a recording")
    until(lambda: path.read_bytes().endswith(b"\x89MCAP0\r\n"), "the end of the recording")
    return path


def test_a_job_is_recorded_whole(graph: Graph, folder: Path) -> None:
    before = set(folder.glob("*.mcap"))
    result = pick(graph)
    assert result.error is ErrorCode.NONE
    path = finished(folder, before)
    items = list(read(path))
    counts = Counter(item.topic for item in items if isinstance(item, Recorded))
    decisions = len(result.attempts) + 1  # and the clear workspace
    assert counts["decision"] == decisions
    assert counts["view/color"] == counts["view/depth"] == counts["view/camera_info"] == decisions
    assert counts["joint_states"] > 20
    assert counts["/diagnostics"] > 0
    assert counts["robot_description"] == counts["/tf_static"] == 1
    described = {item.name: item.values for item in items if isinstance(item, Description)}
    assert json.loads(described["parameters of attention_node"]["mode"]) == "outlier"
    assert json.loads(described["parameters of policy_node"]["actor"]) == "judged"
    assert {"parameters of heightmap_node", "parameters of picker_node"} <= set(described)
    assert path.stat().st_size < 30_000_000


def test_another_reader_understands_it(graph: Graph, folder: Path) -> None:
    """That of the file format's makers, with a decoder of its own for messages: it needs the definitions."""
    before = set(folder.glob("*.mcap"))
    result = pick(graph, seed=4)
    with finished(folder, before).open("rb") as file:
        reader = make_reader(file, decoder_factories=[DecoderFactory()])
        messages = [(channel.topic, message) for _, channel, _, message in reader.iter_decoded_messages()]
    jobs = [message for topic, message in messages if topic == "job"]
    assert not jobs[-1].active
    assert jobs[-1].picked == result.picked
    decisions = [message for topic, message in messages if topic == "decision"]
    assert [message.index for message in decisions] == list(range(1, len(decisions) + 1))
    assert {message.job for message in decisions} == {jobs[-1].job}
    depth = next(message for topic, message in messages if topic == "view/depth")
    heightmap = from_heightmap(decisions[0].heightmap)
    assert np.frombuffer(depth.data, np.float32).max() > heightmap.height.max() > 0.02
    assert next(message for topic, message in messages if topic == "robot_description").data.startswith("<?xml")


def test_a_recording_that_is_killed_can_be_read(tmp_path: Path) -> None:
    parameters = {"folder": str(tmp_path / "recordings")}
    with running_graph(
        tmp_path, NODES, bullet_bridge_node=SCENE | {"real_time": True}, recording_node=parameters
    ) as own:
        with PickClient(node=own.client.node) as client:
            own.client.decisions.clear()  # that of the dry run with which the test began
            job = client.start()
            until(lambda: own.client.decisions, "the first decision")
            time.sleep(0.5)
            own.kill("recording_node")
            assert job.wait(120.0).error is ErrorCode.NONE
        path = max((tmp_path / "recordings").glob("*.mcap"), key=lambda file: file.stat().st_mtime)
        counts = Counter(item.topic for item in read(path) if isinstance(item, Recorded))
        assert counts["decision"] >= 1
        assert counts["view/color"] >= 1


def test_a_full_disk_ends_the_recording_and_not_the_job(tmp_path: Path) -> None:
    parameters = {"folder": str(tmp_path / "recordings")}
    with running_graph(tmp_path, NODES, bullet_bridge_node=SCENE, recording_node=parameters) as own:
        pid = own.processes["recording_node"].pid
        before = set((tmp_path / "recordings").glob("*.mcap"))
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (500_000, resource.RLIM_INFINITY))
        assert pick(own).error is ErrorCode.NONE
        told = "expected to record the job, received [Errno 27] File too large: it goes on without"
        until(lambda: told in own.output("recording_node"), told)
        resource.prlimit(pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
        before = set((tmp_path / "recordings").glob("*.mcap"))
        assert pick(own, seed=4).error is ErrorCode.NONE
        assert any(isinstance(item, Recorded) for item in read(finished(tmp_path / "recordings", before)))


def test_a_long_job_is_recorded_up_to_the_limit_and_old_recordings_make_room(tmp_path: Path) -> None:
    folder = tmp_path / "recordings"
    folder.mkdir()
    old = folder / "2020-01-01_00-00-00_0123abcd-1.mcap"
    old.write_bytes(bytes(2_500_000))
    parameters = {"folder": str(folder), "max_file": 1, "max_folder": 3}
    with running_graph(tmp_path, NODES, bullet_bridge_node=SCENE, recording_node=parameters) as own:
        assert not old.exists(), "the dry run with which the test began needs room"
        before = set(folder.glob("*.mcap"))
        assert pick(own, seed=1004, targets=2, blocks=15).error is ErrorCode.NONE
        path = finished(folder, before)
        assert f"{path.name} is full, the rest of its job is not recorded" in own.output("recording_node")
        assert 1_000_000 < path.stat().st_size < 2_000_000
        assert any(isinstance(item, Recorded) for item in read(path))


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    parameters = {"folder": str(tmp_path / "file" / "recordings")}
    with running_graph(tmp_path, ("recording_node",), lambda _client: None, recording_node=parameters) as own:
        told = "INVALID_CONFIG: folder: expected a folder that can be written"
        until(lambda: told in own.output("recording_node"), told)
        assert own.processes["recording_node"].wait(20.0) == 1
