"""Named tensors with text metadata in one file, in the safetensors format (https://github.com/huggingface/safetensors).

Eight bytes hold the length of a JSON header; the header says where each tensor lies in the bytes after it. This module
exists because no ROS 2 distribution has a package of the format's own library.
"""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.files import read_file

MAX_FILE_BYTES = 1_000_000_000
"""Size of the largest file that is read."""

MAX_HEADER_BYTES = 10_000_000
"""Length of the longest header that is read."""

LENGTH_BYTES = 8
"""Bytes that hold the length of the header; tensors start at a multiple of it."""

METADATA = "__metadata__"
"""Key of the metadata in the header."""

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
    "I64": torch.int64,
    "I32": torch.int32,
    "U8": torch.uint8,
    "BOOL": torch.bool,
}
"""Types by their name in the format."""

NAMES = {dtype: name for name, dtype in DTYPES.items()}
"""Names in the format by type."""


@dataclass(frozen=True)
class Training:
    """Where weights come from; part of the metadata of their files."""

    preset: str = parameter("name of the training in a file of config/ such as training.yaml")
    commit: str = parameter("commit of the code; + when files differed from it")
    seed: int = parameter("seed of the training", low=0, high=2**31)
    rounds: int = parameter("rounds that were trained", low=0, high=10**6)


def read_tensors(path: Path) -> tuple[dict[str, torch.Tensor], dict[str, str]]:
    """Read a file.

    Args:
        path: The file.

    Returns:
        Tensors by name, on the CPU, and the metadata: texts by key.

    Raises:
        CheckpointError: The file is missing, not a regular file, too large, damaged or of another format.
    """
    try:
        content = read_file(path, MAX_FILE_BYTES)
        header, start = _header(content)
        metadata = header.pop(METADATA, {})
        if not _is_text(metadata):
            raise ValueError("the metadata is not text")
        return _tensors(header, content, start), metadata
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{path}: expected a safetensors file of a network: {error}") from error


def to_bytes(tensors: Mapping[str, torch.Tensor], metadata: Mapping[str, str]) -> bytes:
    """Compose the content of a file.

    Args:
        tensors: Tensors by name, contiguous and on the CPU, of a type in ``DTYPES``.
        metadata: Texts by key.

    Returns:
        Bytes that :func:`read_tensors` and the format's own library can read.
    """
    header: dict[str, Any] = {METADATA: dict(metadata)}
    parts: list[bytes] = []
    end = 0
    for name, tensor in sorted(tensors.items(), key=lambda item: (-item[1].element_size(), item[0])):
        part = tensor.reshape(-1).view(torch.uint8).numpy().tobytes()
        header[name] = {
            "dtype": NAMES[tensor.dtype],
            "shape": list(tensor.shape),
            "data_offsets": [end, end + len(part)],
        }
        end += len(part)
        parts.append(part)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % LENGTH_BYTES)  # the tensors start aligned
    return b"".join([len(text).to_bytes(LENGTH_BYTES, "little"), text, *parts])


def _header(content: bytes) -> tuple[dict[str, Any], int]:
    """Return the header and the index of the first byte after it; raises ValueError."""
    length = int.from_bytes(content[:LENGTH_BYTES], "little")
    end = LENGTH_BYTES + length
    if length > MAX_HEADER_BYTES or end > len(content):
        raise ValueError(f"a header of {length} bytes in a file of {len(content)}")
    header = json.loads(content[LENGTH_BYTES:end].decode("utf-8"))
    if not isinstance(header, dict):
        raise ValueError(f"the header is a {type(header).__name__}")
    return header, end


def _tensors(header: Mapping[str, Any], content: bytes, start: int) -> dict[str, torch.Tensor]:
    """Return the tensors; raises ValueError unless they fill the rest of the file without gaps."""
    found, reached = {}, 0
    for name, entry in sorted(header.items(), key=lambda item: _begin(*item)):
        dtype, shape, (begin, end) = DTYPES[entry["dtype"]], entry["shape"], entry["data_offsets"]
        if begin != reached or end - begin != math.prod(shape) * dtype.itemsize or start + end > len(content):
            raise ValueError(f"{name} of {shape} is said to lie at bytes {begin} to {end}")
        flat = torch.frombuffer(bytearray(content[start + begin : start + end]), dtype=dtype) if end > begin else None
        found[name] = torch.empty(shape, dtype=dtype) if flat is None else flat.reshape(shape)
        reached = end
    if start + reached != len(content):
        raise ValueError(f"{len(content) - start - reached} bytes after the last tensor")
    return found


def _begin(name: str, entry: Any) -> tuple[int, int]:
    """Return where a tensor begins and ends; raises ValueError unless its entry is well formed."""
    if not isinstance(entry, dict) or not isinstance(entry.get("dtype"), str) or entry["dtype"] not in DTYPES:
        raise ValueError(f"the entry of {name} names no known type")
    shape: Any = entry.get("shape")
    offsets: Any = entry.get("data_offsets")
    numbers = [shape, offsets]
    if not all(isinstance(item, list) and all(type(n) is int and n >= 0 for n in item) for item in numbers):
        raise ValueError(f"the entry of {name} lacks shape or place")
    if len(offsets) != 2 or len(shape) > 16:
        raise ValueError(f"the entry of {name} has {len(offsets)} offsets and {len(shape)} dimensions")
    return offsets[0], offsets[1]


def _is_text(metadata: Any) -> bool:
    """Whether metadata is a mapping whose values are texts."""
    return isinstance(metadata, dict) and all(isinstance(value, str) for value in metadata.values())
