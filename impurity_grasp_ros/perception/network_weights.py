"""Files of weights of the networks of perception, in the safetensors format, with their sizes and their origin."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.perception.hidden_network import HiddenNetwork, HiddenNetworkConfig
from impurity_grasp_ros.perception.network_parts import merge_normalization
from impurity_grasp_ros.perception.object_network import ObjectNetwork, ObjectNetworkConfig
from impurity_grasp_ros.tensor_file import Training, read_tensors, to_bytes

Config = ObjectNetworkConfig | HiddenNetworkConfig
"""Sizes of a network."""

Network = ObjectNetwork | HiddenNetwork
N = TypeVar("N", ObjectNetwork, HiddenNetwork)

CONFIGS: dict[str, type[Config]] = {"object_network": ObjectNetworkConfig, "hidden_network": HiddenNetworkConfig}
"""Types of the sizes by their key in the metadata."""


@dataclass(frozen=True, eq=False)
class NetworkWeights:
    """What a file of weights holds: sizes of the network, its tensors by name, and where they come from."""

    config: Config
    tensors: Mapping[str, Tensor]
    training: Training

    def parameter_count(self) -> int:
        """Number of trained parameters; running statistics are tensors, too, but not parameters."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in make_network(self.config).parameters())


def make_network(config: Config) -> Network:
    """Make a network with random weights."""
    return ObjectNetwork(config) if isinstance(config, ObjectNetworkConfig) else HiddenNetwork(config)


def weights_of(network: Network, config: Config, training: Training) -> NetworkWeights:
    """The weights that a network has now, for a file."""
    tensors = {name: tensor.detach().contiguous() for name, tensor in network.state_dict().items()}
    return NetworkWeights(config, tensors, training)


def write_network_weights(path: Path, weights: NetworkWeights) -> None:
    """Write a file atomically.

    Args:
        path: The file.
        weights: Its content; tensors contiguous and on the CPU.

    Raises:
        OSError: The file cannot be written.
    """
    key = next(key for key, kind in CONFIGS.items() if isinstance(weights.config, kind))
    metadata = {key: json.dumps(asdict(weights.config)), "training": json.dumps(asdict(weights.training))}
    write_atomically(path, to_bytes(weights.tensors, metadata))


def read_network_weights(path: Path) -> NetworkWeights:
    """Read a file.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a file of such weights.
    """
    tensors, metadata = read_tensors(path)
    keys = [key for key in CONFIGS if key in metadata]
    if len(keys) != 1 or "training" not in metadata:
        raise CheckpointError(
            f"{path}: expected training and one of {', '.join(CONFIGS)} in the metadata, found {sorted(metadata)}"
        )
    try:
        config = from_mapping(CONFIGS[keys[0]], json.loads(metadata[keys[0]]))
        training = from_mapping(Training, json.loads(metadata["training"]))
        with torch.device("meta"):
            make_network(config).load_state_dict(tensors, assign=True)
    except (ConfigError, ValueError, RuntimeError) as error:  # RecursionError is a RuntimeError
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    broken = sorted(name for name, tensor in tensors.items() if not torch.isfinite(tensor).all())
    if broken:
        raise CheckpointError(f"{path}: expected finite weights, received others in {broken[0]}")
    return NetworkWeights(config, tensors, training)


def holds_network_weights(path: Path) -> bool:
    """Whether a file can be read as tensors and says that they are those of such a network."""
    try:
        return not CONFIGS.keys().isdisjoint(read_tensors(path)[1])
    except CheckpointError:
        return False


@lru_cache(maxsize=4)
def load_object_network(path: Path) -> ObjectNetwork:
    """Make the network of a file, ready to judge; equal paths share one.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a file of such weights.
    """
    return _loaded(path, ObjectNetwork, "mode objects")


@lru_cache(maxsize=4)
def load_hidden_network(path: Path) -> HiddenNetwork:
    """Make the network of a file, ready to judge; equal paths share one.

    Raises:
        CheckpointError: The file is missing or damaged, or is not a file of such weights.
    """
    return _loaded(path, HiddenNetwork, "hidden objects")


def _loaded(path: Path, kind: type[N], purpose: str) -> N:
    weights = read_network_weights(path)
    network = make_network(weights.config)
    if not isinstance(network, kind):
        raise CheckpointError(f"{path}: expected the network of {purpose}, received {type(network).__name__}")
    network.load_state_dict(dict(weights.tensors))
    network.name = identity(network)
    merge_normalization(network.eval())
    return network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def identity(network: Network) -> str:
    """First twelve hexadecimal digits of the SHA-256 hash of the weights, as they are in their file."""
    if network.name:
        return network.name
    digest = hashlib.sha256()
    for name, tensor in sorted(network.state_dict().items()):
        digest.update(name.encode() + tensor.detach().cpu().contiguous().numpy().tobytes())
    return digest.hexdigest()[:12]
