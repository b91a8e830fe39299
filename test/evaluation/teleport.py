"""Blocks put somewhere by hand, as no robot would."""

from __future__ import annotations

from impurity_grasp_ros.simulation.environment import Environment


def teleport(environment: Environment, body: int, x: float, y: float, z: float | None = None) -> None:
    """Move a block to a place in meters, upright as it is; at its own height unless told otherwise."""
    position, orientation = environment.world.pose(body)
    height = float(position[2]) if z is None else z
    environment.world.bullet.resetBasePositionAndOrientation(body, (x, y, height), orientation)
