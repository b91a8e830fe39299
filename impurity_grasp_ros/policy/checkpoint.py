"""Learned actors as safetensors files that carry their own configuration."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from torch import Tensor, nn

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import RectangleActor, RectangleNetwork, RectangleNetworkConfig
from impurity_grasp_ros.policy.tensor_file import read_tensors, to_bytes

Config = TypeVar("Config")


@dataclass(frozen=True)
class AgentConfig:
    """What a network was trained as: other geometry of the primitives would change what its values mean."""

    network: NetworkConfig
    decoding: DecodingConfig


@dataclass(frozen=True)
class RectangleAgentConfig:
    """The same for a network that predicts grasp rectangles."""

    network: RectangleNetworkConfig
    decoding: DecodingConfig


CONFIG_KEYS: dict[type, str] = {AgentConfig: "agent", RectangleAgentConfig: "rectangle_agent"}
"""Where in a file's metadata a configuration stands; by it one kind of file is told from another."""

MAX_MAGNITUDE = 1e4
"""Of a weight. Those of trainings stay below 30; products of larger ones leave the range of float32."""


def save_agent(path: Path, network: nn.Module, config: AgentConfig | RectangleAgentConfig) -> None:
    """Write weights and configuration into one file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, to_bytes(tensors, {CONFIG_KEYS[type(config)]: json.dumps(asdict(config))}))


def load_agent(path: Path, gripper: GripperModel, device: torch.device | None = None) -> QAgent:
    """The actor in a file for a gripper, on ``device``, by default the best there is.

    Raises CheckpointError when the file is missing, is none of ours, or holds tensors of other names or shapes, or
    values that no training gives.
    """
    network, config = _load(path, AgentConfig, lambda config: make_network(config.network))
    return QAgent(network.to(device or best_device()), gripper, config.decoding)


def load_rectangle_agent(
    path: Path, gripper: GripperModel, push: AnalyticConfig, device: torch.device | None = None
) -> RectangleActor:
    """The actor in a file of a rectangle network, which pushes as ``push`` says; otherwise as :func:`load_agent`."""
    network, config = _load(path, RectangleAgentConfig, lambda config: RectangleNetwork(config.network))
    return RectangleActor(network.to(device or best_device()), gripper, config.decoding, push)


def _load(path: Path, config_type: type[Config], build: Callable[[Config], nn.Module]) -> tuple[nn.Module, Config]:
    """The network in a file, built from the configuration of that type in its metadata; raises CheckpointError."""
    key = CONFIG_KEYS[config_type]
    tensors, metadata = read_tensors(path)
    if key not in metadata:
        raise CheckpointError(f"{path}: expected the configuration of {key} in the metadata, found {sorted(metadata)}")
    try:
        config = from_mapping(config_type, json.loads(metadata[key]), "")
        with torch.device("meta"):  # sizes alone, whatever the configuration asks for
            _check_shapes(build(config).state_dict(), tensors)
        for name, tensor in tensors.items():
            _check_values(name, tensor)
        network = build(config)
        network.load_state_dict(tensors)
    except (CheckpointError, ConfigError, ValueError, RuntimeError) as error:  # RecursionError is a RuntimeError
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    return network, config


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
    """Raise CheckpointError for values with which a network decides nothing."""
    if not tensor.is_floating_point() or not tensor.numel():
        return
    largest = tensor.abs().max().item()  # NaN when one of them is
    if not largest <= MAX_MAGNITUDE:
        raise CheckpointError(f"{name}: expected finite values up to {MAX_MAGNITUDE:g}, received {largest:g}")
    if name.endswith("running_var") and tensor.min().item() < 0.0:
        raise CheckpointError(f"{name}: expected variances of at least 0, received {tensor.min().item():g}")


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
