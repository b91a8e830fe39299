"""Load learned actors from files of weights, and save trained networks in such files."""

from __future__ import annotations

import shlex
from pathlib import Path

import torch
from torch import nn

from impurity_grasp_ros.errors import CheckpointError
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.analytic import AnalyticConfig
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import DecodingConfig
from impurity_grasp_ros.policy.grasp_planner import GraspPlannerConfig
from impurity_grasp_ros.policy.judge_network import JudgeNetwork
from impurity_grasp_ros.policy.judged import JudgedAgent
from impurity_grasp_ros.policy.judged_config import JudgedConfig
from impurity_grasp_ros.policy.rectangles import RectangleActor
from impurity_grasp_ros.policy.weights_file import (
    FORMAT,
    AgentConfig,
    AnyConfig,
    JudgeAgentConfig,
    RectangleAgentConfig,
    Weights,
    read_weights,
    write_weights,
)
from impurity_grasp_ros.tensor_file import Training


def save_agent(
    path: Path,
    network: nn.Module,
    config: AnyConfig,
    training: Training | None = None,
    costs: CostConfig | None = None,
) -> None:
    """Write a trained network into a file of weights, atomically.

    Args:
        path: The file.
        network: The network.
        config: Its architecture and the geometry of its primitives.
        training: How it was trained; None when this is not known.
        costs: Costs of actions in its training; None when it has none.

    Raises:
        OSError: The file cannot be written.
    """
    tensors = {name: tensor.detach().cpu().contiguous() for name, tensor in network.state_dict().items()}
    write_weights(path, Weights(FORMAT, config, tensors, training, costs))


def load_agent(path: Path, gripper: GripperModel, costs: CostConfig, device: torch.device | None = None) -> QAgent:
    """Load an actor that chooses among value maps.

    Args:
        path: The file of its weights.
        gripper: The gripper that carries out its primitives.
        costs: Costs of its actions.
        device: Where its network runs; None for CUDA if available, otherwise the CPU.

    Returns:
        The actor.

    Raises:
        CheckpointError: The weights cannot be used, see :func:`.weights_file.read_weights`, or have to be converted.
    """
    network, decoding = _load(path, AgentConfig)
    return QAgent(network.to(device or best_device()), gripper, decoding, costs)


def load_rectangle_agent(
    path: Path, gripper: GripperModel, push: AnalyticConfig, device: torch.device | None = None
) -> RectangleActor:
    """Load an actor that predicts grasp rectangles.

    Args:
        path: The file of its weights.
        gripper: The gripper that carries out its primitives.
        push: How to push.
        device: Where its network runs; None for CUDA if available, otherwise the CPU.

    Returns:
        The actor.

    Raises:
        CheckpointError: The weights cannot be used, see :func:`.weights_file.read_weights`, or have to be converted.
    """
    network, decoding = _load(path, RectangleAgentConfig)
    return RectangleActor(network.to(device or best_device()), gripper, decoding, push)


def load_judged_agent(path: Path, proposer: QAgent, config: JudgedConfig, grasps: GraspPlannerConfig) -> JudgedAgent:
    """Load an actor that judges the best actions of another one.

    Args:
        path: The file of the weights of the judge.
        proposer: Proposes actions.
        config: How many are judged, and what counts.
        grasps: Limits and scores of the grasps of what is put aside.

    Returns:
        The actor.

    Raises:
        CheckpointError: The weights cannot be used, see :func:`.weights_file.read_weights`, or were trained with other
            geometry of the primitives than those of the proposer.
    """
    network, decoding = _load(path, JudgeAgentConfig)
    if decoding != proposer.config:
        raise CheckpointError(f"{path}: expected the geometry {proposer.config}, received {decoding}")
    assert isinstance(network, JudgeNetwork)
    return JudgedAgent(proposer, network, config, grasps)


def _load(path: Path, kind: type[AnyConfig]) -> tuple[nn.Module, DecodingConfig]:
    """Return the network in a file of the present format and the geometry of its primitives; raises CheckpointError."""
    weights = read_weights(path, [kind])
    if weights.format_version != FORMAT:
        command = shlex.join(
            ["impurity-grasp", "weights", "convert", str(path), str(path.with_stem(f"{path.stem}_converted"))]
        )
        raise CheckpointError(
            f"{path}: expected weights of format {FORMAT}, received format {weights.format_version}; to convert them, "
            f"please run: {command}"
        )
    network = weights.config.build()
    network.load_state_dict(weights.tensors)
    return network, weights.config.decoding


def best_device() -> torch.device:
    """Return CUDA if it is available, otherwise the CPU."""
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
