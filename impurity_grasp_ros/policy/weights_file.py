"""Files of network weights: what they hold, and how they are read, written and converted.

The files are in the safetensors format. Their metadata holds JSON texts:

- ``agent``, ``rectangle_agent`` or ``judge_agent``: architecture of the network and geometry of the primitives;
- ``training``, where it is known: where the weights come from;
- ``costs``, where it is known: the costs of actions that the weights came with. The policy has parameters of its own.

Format 2 says so under ``format_version``. Format 1 had no such key and kept the costs among the geometry.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any, TypeAlias, TypeVar

import torch
from torch import Tensor, nn

from impurity_grasp_ros.config import from_mapping, shown
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.judge_network import JudgeNetwork, JudgeNetworkConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import RectangleNetwork, RectangleNetworkConfig
from impurity_grasp_ros.tensor_file import Training, read_tensors, to_bytes

T = TypeVar("T")

OLD_FORMAT, FORMAT = 1, 2
"""The former format, which can be converted, and the present one."""

MAX_MAGNITUDE = 1e4
"""Largest plausible magnitude of a weight: trained ones stay below 30, products of larger ones overflow float32."""


@dataclass(frozen=True)
class AgentConfig:
    """What a network was trained with: with other geometry of the primitives its values would mean something else."""

    network: NetworkConfig
    decoding: DecodingConfig

    def build(self) -> nn.Module:
        """Make the network, with random weights."""
        return make_network(self.network)


@dataclass(frozen=True)
class RectangleAgentConfig:
    """The same for a network that predicts grasp rectangles."""

    network: RectangleNetworkConfig
    decoding: DecodingConfig

    def build(self) -> nn.Module:
        """Make the network, with random weights."""
        return RectangleNetwork(self.network)


@dataclass(frozen=True)
class JudgeAgentConfig:
    """The same for a network that judges actions."""

    network: JudgeNetworkConfig
    decoding: DecodingConfig

    def build(self) -> nn.Module:
        """Make the network, with random weights."""
        return JudgeNetwork(self.network)


AnyConfig: TypeAlias = "AgentConfig | RectangleAgentConfig | JudgeAgentConfig"

CONFIG_KEYS: dict[type[AnyConfig], str] = {
    AgentConfig: "agent",
    RectangleAgentConfig: "rectangle_agent",
    JudgeAgentConfig: "judge_agent",
}
"""Key of each kind of configuration in the metadata."""


UNKNOWN = "unknown"
"""Preset or commit of a training where it is not known."""


@dataclass(frozen=True, eq=False)
class Weights:
    """What a file of weights holds.

    Attributes:
        format_version: Format of the file.
        config: Architecture and geometry.
        tensors: Weights by name, on the CPU.
        training: Where they come from, None when the file does not say so.
        costs: Costs that they came with, None when the file does not say so.
    """

    format_version: int
    config: AnyConfig
    tensors: dict[str, Tensor]
    training: Training | None = None
    costs: CostConfig | None = None

    def parameter_count(self) -> int:
        """Number of trained parameters; running statistics are tensors, too, but not parameters."""
        with torch.device("meta"):
            return sum(parameter.numel() for parameter in self.config.build().parameters())


def read_weights(path: Path, kinds: Sequence[type[AnyConfig]] = tuple(CONFIG_KEYS)) -> Weights:
    """Read and check a file of weights.

    Args:
        path: The file, in any format.
        kinds: Configurations that it may hold.

    Returns:
        What it holds.

    Raises:
        CheckpointError: The file is missing or damaged, is not a file of such weights, or holds tensors that do not fit
            their configuration or implausible values.
    """
    tensors, metadata = read_tensors(path)
    keys = {CONFIG_KEYS[kind]: kind for kind in kinds}
    key = next((key for key in keys if key in metadata), None)
    if key is None:
        wanted = " or ".join(keys)
        raise CheckpointError(
            f"{path}: expected the configuration of {wanted} in the metadata, found {sorted(metadata)}"
        )
    version = metadata.get("format_version", str(OLD_FORMAT))
    if version not in (str(OLD_FORMAT), str(FORMAT)):
        raise CheckpointError(f"{path}: expected format {OLD_FORMAT} or {FORMAT}, received {shown(version)}")
    try:
        values = json.loads(metadata[key])
        costs = _parsed(CostConfig, metadata, "costs")
        if version == str(OLD_FORMAT):
            values, costs = _without_costs(values)
            costs = None if keys[key] is RectangleAgentConfig else costs  # its actor has never used them
        config = from_mapping(keys[key], values)
        training = _parsed(Training, metadata, "training")
        _check_tensors(config, tensors)
    except (CheckpointError, ConfigError, ValueError, RuntimeError) as error:  # RecursionError is a RuntimeError
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    return Weights(int(version), config, tensors, training, costs)


def write_weights(path: Path, weights: Weights) -> None:
    """Write a file in the present format, atomically, whatever format the weights come from.

    Args:
        path: The file.
        weights: Its content; tensors contiguous and on the CPU.

    Raises:
        OSError: The file cannot be written.
    """
    metadata = {"format_version": str(FORMAT), CONFIG_KEYS[type(weights.config)]: json.dumps(asdict(weights.config))}
    if weights.training is not None:
        metadata["training"] = json.dumps(asdict(weights.training))
    if weights.costs is not None:
        metadata["costs"] = json.dumps(asdict(weights.costs))
    write_atomically(path, to_bytes(weights.tensors, metadata))


def _parsed(config_type: type[T], metadata: Mapping[str, str], key: str) -> T | None:
    """Return the dataclass under a key of the metadata, None without that key; raises ValueError and ConfigError."""
    return from_mapping(config_type, json.loads(metadata[key]), f"{key}.") if key in metadata else None


def _without_costs(values: Any) -> tuple[Any, CostConfig | None]:
    """Separate a configuration of format 1 from the costs among its geometry; raises ConfigError."""
    decoding = values.get("decoding") if isinstance(values, Mapping) else None
    if not isinstance(decoding, Mapping):
        return values, None  # what is wrong with it comes out when it is parsed
    names = {item.name for item in fields(CostConfig)}
    costs = from_mapping(CostConfig, {name: decoding[name] for name in names & decoding.keys()}, "decoding.")
    return {**values, "decoding": {name: decoding[name] for name in decoding.keys() - names}}, costs


def _check_tensors(config: AnyConfig, tensors: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless tensors have the names and shapes of a network, and values that it can work with."""
    with torch.device("meta"):  # sizes alone, whatever the configuration asks for
        _check_shapes(config.build().state_dict(), tensors)
    for name, tensor in tensors.items():
        _check_values(name, tensor)


def _check_shapes(expected: Mapping[str, Tensor], received: Mapping[str, Tensor]) -> None:
    """Raise CheckpointError unless both have the same names and shapes."""
    if missing := sorted(set(expected) ^ set(received)):
        raise CheckpointError(
            f"expected {len(expected)} tensors, received {len(received)}, they differ in {missing[0]}"
        )
    for name, tensor in received.items():
        if tensor.shape != expected[name].shape:
            wanted = tuple(expected[name].shape)
            raise CheckpointError(f"{name}: expected a tensor of shape {wanted}, received {tuple(tensor.shape)}")


def _check_values(name: str, tensor: Tensor) -> None:
    """Raise CheckpointError for implausible values."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    largest = tensor.abs().max().item()  # NaN when one of them is
    if not largest <= MAX_MAGNITUDE:
        raise CheckpointError(f"{name}: expected finite values up to {MAX_MAGNITUDE:g}, received {largest:g}")
    if name.endswith("running_var") and tensor.min().item() < 0.0:
        raise CheckpointError(f"{name}: expected variances of at least 0, received {tensor.min().item():g}")
