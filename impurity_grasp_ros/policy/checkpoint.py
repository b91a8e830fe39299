"""Learned actors as safetensors files that carry their own configuration."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TypeVar

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network
from impurity_grasp_ros.policy.rectangles import RectangleActor, RectangleNetwork, RectangleNetworkConfig

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


def save_agent(path: Path, network: nn.Module, config: AgentConfig | RectangleAgentConfig) -> None:
    """Write weights and configuration into one file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors, {CONFIG_KEYS[type(config)]: json.dumps(asdict(config))}))


def load_agent(path: Path, device: torch.device | None = None) -> QAgent:
    """The actor in a file, on ``device``, by default the best there is.

    Raises CheckpointError when the file is missing, is none of ours, or holds tensors of other names or shapes.
    """
    network, config = _load(path, AgentConfig, lambda config: make_network(config.network))
    return QAgent(network.to(device or best_device()), config.decoding)


def load_rectangle_agent(path: Path, push: AnalyticConfig, device: torch.device | None = None) -> RectangleActor:
    """The actor in a file of a rectangle network, which pushes as ``push`` says; otherwise as :func:`load_agent`."""
    network, config = _load(path, RectangleAgentConfig, lambda config: RectangleNetwork(config.network))
    return RectangleActor(network.to(device or best_device()), config.decoding, push)


def _load(path: Path, config_type: type[Config], build: Callable[[Config], nn.Module]) -> tuple[nn.Module, Config]:
    """The network in a file, built from the configuration of that type in its metadata; raises CheckpointError."""
    key = CONFIG_KEYS[config_type]
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: expected a safetensors file of a network: {error}") from error
    if key not in metadata:
        raise CheckpointError(f"{path}: expected the configuration of {key} in the metadata, found {sorted(metadata)}")
    try:
        config = from_mapping(config_type, json.loads(metadata[key]), f"{path}: ")
        network = build(config)
        network.load_state_dict(tensors)
    except (ConfigError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    return network, config


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
