"""Actors with foresight."""

from __future__ import annotations

from functools import lru_cache

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.policy.actors import PolicyConfig, make_actor
from impurity_grasp_ros.protocols import Actor, Foresight


def make_thinking_actor(config: PolicyConfig, cell: CellConfig) -> Actor:
    """Make the actor of a configuration, with foresight if the configuration asks for it.

    Args:
        config: Name, weights and parameters.
        cell: The cell that carries out its primitives.

    Returns:
        The actor.

    Raises:
        ConfigError: The name is unknown.
        CheckpointError: Its weights cannot be used.
    """
    actor = make_actor(config, cell.gripper_model)
    if config.actor != "judged" or not config.judged.think:
        return actor
    from impurity_grasp_ros.policy.judged import JudgedAgent  # importing torch takes time

    return actor.with_foresight(_foresight(cell)) if isinstance(actor, JudgedAgent) else actor


@lru_cache(maxsize=1)
def _foresight(cell: CellConfig) -> Foresight:
    from impurity_grasp_ros.foresight.scene_copy import SceneCopy  # as does importing the physics engine

    return SceneCopy(cell)
