"""Files of the weights of the attention network, in the safetensors format, with JSON texts as metadata."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import torch
from torch import Tensor

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.perception.object_network import ObjectNetwork, ObjectNetworkConfig, merge_normalization
from impurity_grasp_ros.tensor_file import Training, read_tensors, to_bytes

KEY = "object_network"
"""Key of the configuration in the metadata."""


@dataclass(frozen=True, eq=False)
class ObjectWeights:
    """What a file of weights holds: sizes of the network, its tensors by name, and where they come from."""

    config: ObjectNetworkConfig
    tensors: Mapping[str, Tensor]
    training: Training

    def parameter_count(self) -> int:
        """Number of trained parameters; running statistics are tensors, too, but not parameters."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in ObjectNetwork(self.config).parameters())


def write_object_weights(path: Path, weights: ObjectWeights) -> None:
    """Write a file atomically.

    Args:
        path: The file.
        weights: Its content; tensors contiguous and on the CPU.

    Raises:
        OSError: The file cannot be written.
    """
    metadata = {KEY: json.dumps(asdict(weights.config)), "training": json.dumps(asdict(weights.training))}
    write_atomically(path, to_bytes(weights.tensors, metadata))


def read_object_weights(path: Path) -> ObjectWeights:
    """Read a file.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a file of such weights.
    """
    tensors, metadata = read_tensors(path)
    if not {KEY, "training"} <= set(metadata):
        raise CheckpointError(f"{path}: expected {KEY} and training in the metadata, found {sorted(metadata)}")
    try:
        config = from_mapping(ObjectNetworkConfig, json.loads(metadata[KEY]))
        training = from_mapping(Training, json.loads(metadata["training"]))
        with torch.device("meta"):
            ObjectNetwork(config).load_state_dict(tensors, assign=True)
    except (ConfigError, ValueError, RuntimeError) as error:  # RecursionError is a RuntimeError
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    broken = sorted(name for name, tensor in tensors.items() if not torch.isfinite(tensor).all())
    if broken:
        raise CheckpointError(f"{path}: expected finite weights, received others in {broken[0]}")
    return ObjectWeights(config, tensors, training)


def holds_object_weights(path: Path) -> bool:
    """Whether a file can be read as tensors and says that they are those of such a network."""
    try:
        return KEY in read_tensors(path)[1]
    except CheckpointError:
        return False


@lru_cache(maxsize=4)
def load_object_network(path: Path) -> ObjectNetwork:
    """Make the network of a file, ready to judge; equal paths share one.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a file of such weights.
    """
    weights = read_object_weights(path)
    network = ObjectNetwork(weights.config)
    network.load_state_dict(dict(weights.tensors))
    network.name = identity(network)
    merge_normalization(network.eval())
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def identity(network: ObjectNetwork) -> str:
    """First twelve hexadecimal digits of the SHA-256 hash of the weights, as they are in their file."""
    if network.name:
        return network.name
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
