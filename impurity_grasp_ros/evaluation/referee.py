"""Referee of an episode: judges by the bodies of the simulator, which no policy has access to."""

from __future__ import annotations

from collections.abc import Mapping

from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.probe import visible_fractions


class Referee:
    """Watches the blocks of a scene.

    Args:
        environment: Holds the scene.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._scene = environment.scene
        self._delivered: set[int] = set()

    def collect(self) -> tuple[int, int]:
        """Count the blocks that came into the bin since the last call. A block stays delivered once it was.

        Returns:
            Number of targets and number of other blocks.
        """
        remaining = [body for body in self._scene.blocks if body not in self._delivered]
        arrived = [body for body in remaining if self._environment.is_in_bin(body)]
        self._delivered.update(arrived)
        targets = sum(self._scene.blocks[body].target for body in arrived)
        return targets, len(arrived) - targets

    @property
    def targets_left(self) -> list[int]:
        """Bodies of the targets that have not been delivered, wherever they are."""
        return [body for body in self._scene.targets if body not in self._delivered]

    @property
    def targets_lost(self) -> int:
        """Number of targets that have not been delivered and lie outside the workspace."""
        grid, world = self._environment.cell.workspace.grid, self._environment.world
        return sum(not grid.contains(*map(float, world.position(body)[:2])) for body in self.targets_left)

    def visible(self, seen: Mapping[int, int]) -> float | None:
        """Measure how much the camera sees of the targets left.

        Args:
            seen: Number of pixels of the camera's image by body.

        Returns:
            Visible fraction of the best visible one, about 1 if nothing hides it; None if no target is left.
        """
        left = {body: self._scene.blocks[body] for body in self.targets_left}
        if not left:
            return None
        return max(visible_fractions(self._environment.world, self._environment.camera, left, seen).values())
