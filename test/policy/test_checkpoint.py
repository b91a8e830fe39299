"""Weights are refused unless they are plausible and their file follows its format."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from drawn_tables import MIDDLE, Block, on_heap, table
from grippers import GRIPPER
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save
from shipped_policy import ANALYTIC, COSTS, DECODING

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticActor
from impurity_grasp_ros.policy.checkpoint import best_device, load_agent, load_rectangle_agent, save_agent
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import RectangleNetwork, RectangleNetworkConfig
from impurity_grasp_ros.policy.tensor_file import read_tensors, to_bytes
from impurity_grasp_ros.policy.weights_file import AgentConfig, RectangleAgentConfig
from impurity_grasp_ros.resources import resource

SHIPPED = resource("models/default.safetensors")
FLOATS = st.floats(width=32)


def changed(folder: Path, name: str, change: Callable[[torch.Tensor], None]) -> Path:
    """The shipped weights with one tensor changed in place."""
    tensors, metadata = read_tensors(SHIPPED)
    change(tensors[name])
    path = folder / "changed.safetensors"
    path.write_bytes(to_bytes(tensors, metadata))
    return path


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf, 1e30, -1.1e4])
def test_one_weight_that_is_not_a_number_or_out_of_range_is_refused_by_name(tmp_path: Path, value: float) -> None:
    path = changed(tmp_path, "stem.0.weight", lambda tensor: tensor.view(-1)[7:8].fill_(value))
    with pytest.raises(
        CheckpointError, match=r"changed.*stem\.0\.weight: expected finite values up to 10000, received"
    ):
        load_agent(path, GRIPPER, COSTS)


def test_a_negative_variance_is_refused_by_name(tmp_path: Path) -> None:
    path = changed(tmp_path, "stem.1.running_var", lambda tensor: tensor[:1].fill_(-0.5))
    with pytest.raises(CheckpointError, match=r"stem\.1\.running_var: expected variances of at least 0, received -0.5"):
        load_agent(path, GRIPPER, COSTS)


def test_a_network_too_large_for_its_file_is_refused_before_it_is_built(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    agent = json.loads(metadata["agent"])
    agent["network"] |= {"body_channels": 512, "dilations": [1] * 400}  # 7.5 GB
    path = tmp_path / "huge.safetensors"
    path.write_bytes(to_bytes(tensors, metadata | {"agent": json.dumps(agent)}))
    with pytest.raises(CheckpointError, match=r"expected \d+ tensors, received"):
        load_agent(path, GRIPPER, COSTS)


def test_a_pipe_a_device_and_a_folder_are_refused_without_waiting(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(CheckpointError, match=f"expected a regular file, received {kind}"):
            load_agent(path, GRIPPER, COSTS)


@given(
    tensors=st.dictionaries(
        st.text(min_size=1, max_size=8).filter(lambda name: name != "__metadata__"),
        st.lists(FLOATS, max_size=6).map(lambda values: torch.tensor(values, dtype=torch.float32)),
        max_size=4,
    ),
    metadata=st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3),
)
def test_the_formats_own_library_reads_what_is_written_and_writes_what_is_read(
    tmp_path_factory: pytest.TempPathFactory, tensors: dict[str, torch.Tensor], metadata: dict[str, str]
) -> None:
    folder = tmp_path_factory.mktemp("tensors")
    (folder / "ours").write_bytes(to_bytes(tensors, metadata))
    (folder / "theirs").write_bytes(save(tensors, metadata or None))
    theirs = load_file(folder / "ours")
    ours, read = read_tensors(folder / "theirs")
    assert theirs.keys() == ours.keys() == tensors.keys()
    assert read == metadata
    for name, tensor in tensors.items():
        torch.testing.assert_close(theirs[name], tensor, rtol=0, atol=0, equal_nan=True)
        torch.testing.assert_close(ours[name], tensor, rtol=0, atol=0, equal_nan=True)


SMALL = to_bytes({"a": torch.arange(4.0), "b": torch.arange(3)}, {"agent": "{}"})


@given(data=st.data())
def test_damaged_files_give_named_errors_and_nothing_else(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    content = bytearray(SMALL)
    for place in data.draw(st.lists(st.integers(0, len(content) - 1), min_size=1, max_size=6)):
        content[place] = data.draw(st.integers(0, 255))
    path = tmp_path_factory.mktemp("tensors") / "damaged.safetensors"
    path.write_bytes(bytes(content[: data.draw(st.integers(0, len(content)))]))
    with pytest.raises(CheckpointError, match=r"damaged\.safetensors: expected"):
        load_agent(path, GRIPPER, COSTS)


@pytest.mark.parametrize(
    "entry",
    [
        {"dtype": ["F32"], "shape": [1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [-1], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": [1], "data_offsets": [0, 4, 8]},
        {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 4]},
        {"dtype": "F32", "shape": "1", "data_offsets": [0, 4]},
        [1, 2, 3],
    ],
)
def test_a_header_with_a_wrong_entry_is_a_named_error(tmp_path: Path, entry: object) -> None:
    text = json.dumps({"a": entry}).encode()
    path = tmp_path / "lie.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text + b"\0\0\0\0")
    with pytest.raises(CheckpointError, match="expected a safetensors file"):
        read_tensors(path)


def test_a_header_that_is_nested_too_deeply_is_a_named_error(tmp_path: Path) -> None:
    text = b"[" * 200_000
    path = tmp_path / "deep.safetensors"
    path.write_bytes(len(text).to_bytes(8, "little") + text)
    with pytest.raises(CheckpointError, match="expected a safetensors file"):
        read_tensors(path)


CPU = torch.device("cpu")


def written(folder: Path, tensors: dict[str, torch.Tensor], metadata: dict[str, str]) -> Path:
    path = folder / "changed.safetensors"
    path.write_bytes(to_bytes(tensors, metadata))
    return path


@pytest.mark.parametrize("value", [10_000.0, -10_000.0])
def test_a_weight_may_be_as_large_as_ten_thousand(tmp_path: Path, value: float) -> None:
    path = changed(tmp_path, "stem.0.weight", lambda tensor: tensor.view(-1)[7:8].fill_(value))
    assert load_agent(path, GRIPPER, COSTS, CPU).network.stem[0].weight.abs().max() == 10_000.0


def test_a_weight_beyond_that_is_refused_with_its_size_whatever_its_sign(tmp_path: Path) -> None:
    for value in (10_001.0, -10_001.0):
        path = changed(tmp_path, "head.3.bias", lambda tensor, value=value: tensor[:1].fill_(value))
        with pytest.raises(CheckpointError, match=r"head\.3\.bias: expected finite values up to 10000, received 10001"):
            load_agent(path, GRIPPER, COSTS)


def test_a_variance_of_zero_and_a_negative_mean_are_accepted(tmp_path: Path) -> None:
    path = changed(tmp_path, "stem.1.running_var", lambda tensor: tensor.fill_(0.0))
    assert not load_agent(path, GRIPPER, COSTS, CPU).network.stem[1].running_var.any()
    path = changed(tmp_path, "stem.1.running_mean", lambda tensor: tensor.fill_(-1.0))
    assert (load_agent(path, GRIPPER, COSTS, CPU).network.stem[1].running_mean == -1.0).all()


def test_whole_numbers_are_not_weights(tmp_path: Path) -> None:
    path = changed(tmp_path, "stem.1.num_batches_tracked", lambda tensor: tensor.fill_(1_000_000))
    assert load_agent(path, GRIPPER, COSTS, CPU).network.stem[1].num_batches_tracked == 1_000_000


def test_a_missing_or_additional_tensor_is_refused_by_name(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    more = {**tensors, "body.9.weight": torch.zeros(1)}
    fewer = {name: tensor for name, tensor in tensors.items() if name != "down.0.weight"}
    for changed_, received, name in ((more, 57, "body.9.weight"), (fewer, 55, "down.0.weight")):
        with pytest.raises(CheckpointError, match=rf"expected 56 tensors, received {received}, they differ in {name}$"):
            load_agent(written(tmp_path, changed_, metadata), GRIPPER, COSTS)


def test_a_tensor_of_another_shape_is_refused_with_both_shapes(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    tensors["down.0.weight"] = tensors["down.0.weight"].transpose(0, 1).contiguous()
    message = r"down\.0\.weight: expected a tensor of shape \(40, 16, 3, 3\), received \(16, 40, 3, 3\)"
    with pytest.raises(CheckpointError, match=rf"changed.*expected weights that fit their configuration: {message}"):
        load_agent(written(tmp_path, tensors, metadata), GRIPPER, COSTS)


@pytest.mark.parametrize(
    "text", ["", "{", "[]", "7", "{}", '{"network": {}, "decoding": {}, "more": 1}', "[" * 100_000], ids=range(7)
)
def test_an_invalid_configuration_is_refused(tmp_path: Path, text: str) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    for former in ({}, metadata):  # of format 1, and of the present one
        with pytest.raises(CheckpointError, match=r"changed.*expected weights that fit their configuration: "):
            load_agent(written(tmp_path, tensors, former | {"agent": text}), GRIPPER, COSTS)


def test_a_value_out_of_range_in_the_configuration_is_refused_by_its_dotted_name(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    agent = json.loads(metadata["agent"])
    agent["decoding"]["floor"] = 2.5
    with pytest.raises(CheckpointError, match=r"fit their configuration: decoding\.floor: expected a value"):
        load_agent(written(tmp_path, tensors, metadata | {"agent": json.dumps(agent)}), GRIPPER, COSTS)


def test_a_file_without_a_configuration_says_what_it_has_instead(tmp_path: Path) -> None:
    tensors, _ = read_tensors(SHIPPED)
    path = written(tmp_path, tensors, {"z": "", "rectangle_agent": "{}"})
    with pytest.raises(
        CheckpointError,
        match=r"changed.*: expected the configuration of agent in the metadata, found \['rectangle_agent', 'z'\]$",
    ):
        load_agent(path, GRIPPER, COSTS)


def test_an_agent_is_saved_as_its_tensors_and_its_configuration(tmp_path: Path) -> None:
    config = AgentConfig(NetworkConfig("compact", 8, 16, (1,)), DECODING)
    network, path = make_network(config.network), tmp_path / "new" / "agent.safetensors"
    save_agent(path, network, config)
    tensors, metadata = read_tensors(path)
    assert metadata.keys() == {"format_version", "agent"}
    assert metadata["format_version"] == "2"
    assert json.loads(metadata["agent"]) == {
        "network": {"backbone": "compact", "stem_channels": 8, "body_channels": 16, "dilations": [1]},
        "decoding": vars(DECODING),
    }
    assert tensors.keys() == network.state_dict().keys()
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(tensors[name], tensor, rtol=0, atol=0)
    agent = load_agent(path, GRIPPER, COSTS, CPU)
    assert isinstance(agent, QAgent)
    assert agent.config == DECODING
    assert agent.costs is COSTS
    assert not agent.network.training


def test_a_network_of_rectangles_is_saved_under_its_own_name(tmp_path: Path) -> None:
    config = RectangleAgentConfig(RectangleNetworkConfig((4, 4), 8, 2), DECODING)
    network, path = RectangleNetwork(config.network), tmp_path / "rectangles.safetensors"
    save_agent(path, network, config)
    assert read_tensors(path)[1].keys() == {"format_version", "rectangle_agent"}
    loaded = load_rectangle_agent(path, GRIPPER, ANALYTIC, CPU)
    assert loaded.decoding == DECODING
    heightmap = table(Block())
    candidate = on_heap(heightmap, MIDDLE)
    assert loaded.select(heightmap, candidate, []) == AnalyticActor(GRIPPER, ANALYTIC).select(heightmap, candidate, [])
    for name, tensor in network.state_dict().items():
        torch.testing.assert_close(loaded.network.state_dict()[name], tensor, rtol=0, atol=0)


def test_an_agent_runs_on_the_given_device_or_else_on_the_best_one() -> None:
    assert next(load_agent(SHIPPED, GRIPPER, COSTS, CPU).network.parameters()).device == CPU
    assert best_device().type == ("cuda" if torch.cuda.is_available() else "cpu")
    assert next(load_agent(SHIPPED, GRIPPER, COSTS).network.parameters()).device.type == best_device().type
    rectangles = load_rectangle_agent(resource("models/s_rgm.safetensors"), GRIPPER, ANALYTIC)
    assert next(rectangles.network.parameters()).device.type == best_device().type
    meta = torch.device("meta")
    assert next(load_agent(SHIPPED, GRIPPER, COSTS, meta).network.parameters()).device == meta
    assert next(
        load_rectangle_agent(resource("models/s_rgm.safetensors"), GRIPPER, ANALYTIC, meta).network.parameters()
    ).is_meta
