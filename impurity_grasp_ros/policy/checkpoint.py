"""Learned actors as safetensors files that carry their own configuration."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from safetensors import SafetensorError, safe_open
from safetensors.torch import save
from torch import nn

from impurity_grasp_ros.config import from_mapping
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.files import write_atomically
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.network import NetworkConfig, make_network

CONFIG_KEY = "agent"


@dataclass(frozen=True)
class AgentConfig:
    """What a network was trained as: other geometry of the primitives would change what its values mean."""

    network: NetworkConfig
    decoding: DecodingConfig


def save_agent(path: Path, network: nn.Module, config: AgentConfig) -> None:
    """Write weights and configuration into one file, atomically."""
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_atomically(path, save(tensors, {CONFIG_KEY: json.dumps(asdict(config))}))


def load_agent(path: Path, device: torch.device | None = None) -> QAgent:
    """The actor in a file, on ``device``, by default the best there is.

    Raises CheckpointError when the file is missing, is none of ours, or holds tensors of other names or shapes.
    """
    try:
        with safe_open(path, framework="pt") as file:
            metadata = file.metadata() or {}
            tensors = {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118 - not a mapping
    except (OSError, SafetensorError) as error:
        raise CheckpointError(f"{path}: expected a safetensors file of a Q-network: {error}") from error
    if CONFIG_KEY not in metadata:
        raise CheckpointError(f"{path}: expected the agent's configuration in the metadata, found {sorted(metadata)}")
    try:
        config = from_mapping(AgentConfig, json.loads(metadata[CONFIG_KEY]), f"{path}: ")
        network = make_network(config.network)
        network.load_state_dict(tensors)
    except (ConfigError, ValueError, RuntimeError) as error:
        raise CheckpointError(f"{path}: expected weights that fit their configuration: {error}") from error
    return QAgent(network.to(device or best_device()), config.decoding)


def best_device() -> torch.device:
    """CUDA where there is one, else the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
