"""Files of tensors follow the safetensors format byte for byte, and files that do not are refused."""

from __future__ import annotations

import json
import math
import os
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.policy.tensor_file import read_tensors, to_bytes

TYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}


def written(folder: Path, header: Any, data: bytes = b"", *, length: int | None = None) -> Path:
    """A file with this header, or text of a header, and these bytes after it."""
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    path = folder / "some.safetensors"
    path.write_bytes((len(text) if length is None else length).to_bytes(8, "little") + text + data)
    return path


def entry(begin: int, end: int, *, dtype: str = "U8", shape: tuple[int, ...] | None = None) -> dict[str, Any]:
    """What a header says of a tensor, by default of a row of bytes."""
    return {"dtype": dtype, "shape": [end - begin] if shape is None else list(shape), "data_offsets": [begin, end]}


def refused(path: Path, why: str) -> None:
    with pytest.raises(CheckpointError, match=rf"some\.safetensors: expected a safetensors file of a network: {why}"):
        read_tensors(path)


def test_a_file_is_a_length_a_header_and_the_bytes_of_the_tensors() -> None:
    content = to_bytes({"a": torch.tensor([[1, 2]], dtype=torch.int32), "b": torch.tensor(True)}, {"who": "me"})
    text = (
        b'{"__metadata__":{"who":"me"},"a":{"dtype":"I32","shape":[1,2],"data_offsets":[0,8]},'
        b'"b":{"dtype":"BOOL","shape":[],"data_offsets":[8,9]}}'
    )
    padding = b" " * (-len(text) % 8)
    assert content == ((len(text) + len(padding)).to_bytes(8, "little") + text + padding + b"\1\0\0\0\2\0\0\0" + b"\1")


def test_an_empty_file_has_a_header_that_says_so() -> None:
    assert to_bytes({}, {}) == b"\x18" + b"\0" * 7 + b'{"__metadata__":{}}     '


def test_wide_types_come_first_and_then_the_names_in_order() -> None:
    tensors = {
        "z": torch.zeros(1, dtype=torch.float64),
        "c": torch.zeros(3, dtype=torch.uint8),
        "b": torch.zeros(1),
        "a": torch.zeros(2),
    }
    content = to_bytes(tensors, {})
    length = int.from_bytes(content[:8], "little")
    header = json.loads(content[8 : 8 + length])
    places = {name: item["data_offsets"] for name, item in header.items() if name != "__metadata__"}
    assert list(places.items()) == [("z", [0, 8]), ("a", [8, 16]), ("b", [16, 20]), ("c", [20, 23])]
    assert len(content) == 8 + length + 23


@pytest.mark.parametrize("extra", range(9))
def test_the_tensors_start_at_a_multiple_of_eight_bytes(extra: int) -> None:
    content = to_bytes({}, {"name": "x" * extra})
    assert len(content) % 8 == 0
    assert int.from_bytes(content[:8], "little") == len(content) - 8


@pytest.mark.parametrize("name", TYPES)
def test_tensors_of_every_type_are_read_as_written_also_by_the_formats_own_library(name: str, tmp_path: Path) -> None:
    generator = torch.Generator().manual_seed(0)
    tensor = (torch.rand((2, 1, 3), generator=generator) * 3.0).to(TYPES[name])
    tensors = {"some": tensor, "one": tensor[0, 0, 0].clone(), "none": tensor[:0].clone()}
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_bytes(to_bytes(tensors, {"key": "text"}))
    save_file(tensors, theirs, {"key": "text"})
    for found, metadata in ((load_file(ours), {"key": "text"}), read_tensors(ours), read_tensors(theirs)):
        assert metadata == {"key": "text"}
        assert found.keys() == tensors.keys()
        for key, value in tensors.items():
            assert found[key].dtype == value.dtype == TYPES[name]
            assert found[key].shape == value.shape
            assert torch.equal(found[key], value)
    assert f'"dtype":"{name}"' in ours.read_bytes().decode("latin-1")


def test_a_file_without_metadata_has_none(tmp_path: Path) -> None:
    tensors, metadata = read_tensors(written(tmp_path, {"a": entry(0, 2)}, b"\7\10"))
    assert metadata == {}
    assert tensors.keys() == {"a"}
    assert tensors["a"].tolist() == [7, 8]


def test_tensors_may_stand_in_any_order_in_the_header(tmp_path: Path) -> None:
    header = {
        "none": entry(5, 5),
        "last": entry(3, 5),
        "__metadata__": {},
        "first": entry(0, 1),
        "middle": entry(1, 3),
    }
    tensors, _ = read_tensors(written(tmp_path, header, bytes([1, 2, 3, 4, 5])))
    assert {name: tensor.tolist() for name, tensor in tensors.items()} == {
        "first": [1],
        "middle": [2, 3],
        "last": [4, 5],
        "none": [],
    }


def test_what_is_read_can_be_changed(tmp_path: Path) -> None:
    tensors, _ = read_tensors(written(tmp_path, {"a": entry(0, 2), "b": entry(2, 4)}, b"\1\1\1\1"))
    tensors["a"].fill_(9)
    assert (tensors["a"].tolist(), tensors["b"].tolist()) == ([9, 9], [1, 1])


@pytest.mark.parametrize(
    ("header", "data"),
    [
        ({"a": entry(1, 3)}, b"123"),
        ({"a": entry(0, 2), "b": entry(3, 4)}, b"1234"),
        ({"a": entry(0, 2), "b": entry(1, 3)}, b"123"),
        ({"a": entry(0, 4)}, b"123"),
        ({"a": entry(0, 3, shape=(2,))}, b"123"),
        ({"a": entry(0, 3, shape=(2, 2))}, b"123"),
        ({"a": entry(0, 2, dtype="F32", shape=(1,))}, b"12"),
        ({"a": entry(0, 8, dtype="F32", shape=(1,))}, b"12345678"),
        ({"a": entry(0, 0, shape=())}, b""),
        ({"a": entry(2, 0, shape=(0,))}, b"12"),
    ],
)
def test_tensors_that_leave_gaps_overlap_or_do_not_fill_their_place_are_refused(
    header: dict[str, Any], data: bytes, tmp_path: Path
) -> None:
    refused(written(tmp_path, header, data), r"[ab] of \[.*\] is said to lie at bytes \d to \d")


@pytest.mark.parametrize(("data", "more"), [(b"123", 1), (b"12345", 3)])
def test_bytes_after_the_last_tensor_are_refused(data: bytes, more: int, tmp_path: Path) -> None:
    refused(written(tmp_path, {"a": entry(0, 2)}, data), f"{more} bytes after the last tensor")


def test_bytes_without_a_tensor_are_refused(tmp_path: Path) -> None:
    refused(written(tmp_path, {}, b"1"), "1 bytes after the last tensor")


@pytest.mark.parametrize(
    "value",
    [
        [1, 2],
        "text",
        None,
        {"shape": [1], "data_offsets": [0, 1]},
        {"dtype": 8, "shape": [1], "data_offsets": [0, 1]},
        {"dtype": ["U8"], "shape": [1], "data_offsets": [0, 1]},
        {"dtype": "U9", "shape": [1], "data_offsets": [0, 1]},
        {"dtype": "u8", "shape": [1], "data_offsets": [0, 1]},
    ],
)
def test_an_entry_of_no_known_type_is_refused_by_name(value: Any, tmp_path: Path) -> None:
    refused(written(tmp_path, {"conv": value}, b"1"), "the entry of conv names no known type")


@pytest.mark.parametrize(
    "change",
    [
        {"shape": None},
        {"shape": 1},
        {"shape": [1.0]},
        {"shape": [True]},
        {"shape": [-1]},
        {"shape": ["1"]},
        {"data_offsets": None},
        {"data_offsets": [0.0, 1.0]},
        {"data_offsets": [-1, 0]},
        {"data_offsets": {"0": 1}},
    ],
)
def test_an_entry_without_shape_or_place_is_refused_by_name(change: dict[str, Any], tmp_path: Path) -> None:
    refused(written(tmp_path, {"conv": entry(0, 1) | change}, b"1"), "the entry of conv lacks shape or place")


@pytest.mark.parametrize("offsets", [[], [0], [0, 1, 1]])
def test_data_offsets_are_two_numbers(offsets: list[int], tmp_path: Path) -> None:
    path = written(tmp_path, {"conv": entry(0, 1) | {"data_offsets": offsets}}, b"1")
    refused(path, f"the entry of conv has {len(offsets)} offsets and 1 dimensions")


def test_a_tensor_has_at_most_sixteen_dimensions(tmp_path: Path) -> None:
    tensors, _ = read_tensors(written(tmp_path, {"a": entry(0, 1, shape=(1,) * 16)}, b"1"))
    assert tensors["a"].shape == (1,) * 16
    refused(written(tmp_path, {"a": entry(0, 1, shape=(1,) * 17)}, b"1"), "the entry of a has 2 offsets and 17 dim")


@pytest.mark.parametrize("metadata", [{"key": 1}, {"key": None}, {"key": "text", "more": ["text"]}, ["text"], "text"])
def test_metadata_that_is_no_text_is_refused(metadata: Any, tmp_path: Path) -> None:
    refused(written(tmp_path, {"__metadata__": metadata}), "the metadata is not text")


@pytest.mark.parametrize(("text", "kind"), [(b"[]", "list"), (b"7", "int"), (b'"text"', "str"), (b"null", "NoneType")])
def test_a_header_that_is_no_mapping_is_refused(text: bytes, kind: str, tmp_path: Path) -> None:
    refused(written(tmp_path, text), f"the header is a {kind}")


@pytest.mark.parametrize("text", [b"{", b"", b"{'a': 1}", b'{"a": "\xff"}'])
def test_a_header_that_is_not_json_in_utf_8_is_refused(text: bytes, tmp_path: Path) -> None:
    refused(written(tmp_path, text), "")


def test_names_may_contain_any_letters(tmp_path: Path) -> None:
    path = written(tmp_path, '{"größe": {"dtype": "U8", "shape": [1], "data_offsets": [0, 1]}}'.encode(), b"1")
    assert read_tensors(path)[0].keys() == {"größe"}


def test_a_header_longer_than_the_file_is_refused_with_both_lengths(tmp_path: Path) -> None:
    path = written(tmp_path, b"{}", length=3)
    refused(path, "a header of 3 bytes in a file of 10")
    path.write_bytes(b"\2\0\0")
    refused(path, "a header of 2 bytes in a file of 3")
    path.write_bytes(b"")
    refused(path, "a header of 0 bytes in a file of 0")


def test_a_header_may_be_10_million_bytes_long_and_no_longer(tmp_path: Path) -> None:
    longest = b"{}" + b" " * (10_000_000 - 2)
    assert read_tensors(written(tmp_path, longest)) == ({}, {})
    refused(written(tmp_path, longest + b" "), "a header of 10000001 bytes in a file of 10000009")


def test_a_file_of_more_than_a_billion_bytes_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path, b"{}")
    os.truncate(path, 1_000_000_001)  # a hole: it takes no room on the disk
    refused(path, "expected a file of at most 1000000000 bytes, received 1000000001")


def test_a_file_that_is_not_there_is_a_named_error(tmp_path: Path) -> None:
    with pytest.raises(CheckpointError, match=r"nowhere: expected a safetensors file of a network: .*No such file"):
        read_tensors(tmp_path / "nowhere")


def test_nan_infinity_and_negative_zero_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "odd"
    path.write_bytes(to_bytes({"a": torch.tensor([math.nan, math.inf, -0.0])}, {}))
    values = read_tensors(path)[0]["a"].tolist()
    assert math.isnan(values[0])
    assert values[1] == math.inf
    assert math.copysign(1.0, values[2]) == -1.0
