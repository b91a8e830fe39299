"""Weights are refused unless they are what a training could have written; and their file what its format says."""

from __future__ import annotations

import json
import math
import os
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from safetensors.torch import load_file, save

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.checkpoint import load_agent
from impurity_grasp_ros.policy.tensor_file import read_tensors, to_bytes
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
def test_one_weight_that_is_no_number_or_out_of_range_is_refused_by_name(tmp_path: Path, value: float) -> None:
    path = changed(tmp_path, "stem.0.weight", lambda tensor: tensor.view(-1)[7:8].fill_(value))
    with pytest.raises(
        CheckpointError, match=r"changed.*stem\.0\.weight: expected finite values up to 10000, received"
    ):
        load_agent(path)


def test_a_negative_variance_is_refused_by_name(tmp_path: Path) -> None:
    path = changed(tmp_path, "stem.1.running_var", lambda tensor: tensor[:1].fill_(-0.5))
    with pytest.raises(CheckpointError, match=r"stem\.1\.running_var: expected variances of at least 0, received -0.5"):
        load_agent(path)


def test_a_network_too_large_for_its_file_is_refused_before_it_is_built(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(SHIPPED)
    agent = json.loads(metadata["agent"])
    agent["network"] |= {"body_channels": 512, "dilations": [1] * 400}  # 7.5 GB
    path = tmp_path / "huge.safetensors"
    path.write_bytes(to_bytes(tensors, {"agent": json.dumps(agent)}))
    with pytest.raises(CheckpointError, match=r"expected \d+ tensors, received"):
        load_agent(path)


def test_a_pipe_a_device_and_a_folder_are_no_weights_and_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    for path, kind in ((tmp_path / "pipe", "a named pipe"), (Path("/dev/zero"), "a device"), (tmp_path, "a folder")):
        with pytest.raises(CheckpointError, match=f"expected a regular file, received {kind}"):
            load_agent(path)


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
        load_agent(path)


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
def test_a_header_that_lies_is_a_named_error(tmp_path: Path, entry: object) -> None:
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
