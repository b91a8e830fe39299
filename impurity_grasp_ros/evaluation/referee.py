"""The simulator's word on an episode, by body. No policy hears it."""

from __future__ import annotations

from collections.abc import Mapping

from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.probe import visible_fractions


class Referee:
    """Watches the blocks of the scene that the environment holds."""

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._scene = environment.scene
        self._delivered: set[int] = set()

    def collect(self) -> tuple[int, int]:
        """Targets and others that came into the bin since the last call. Once delivered, a block stays so."""
        remaining = [body for body in self._scene.blocks if body not in self._delivered]
        arrived = [body for body in remaining if self._environment.is_in_bin(body)]
        self._delivered.update(arrived)
        targets = sum(self._scene.blocks[body].target for body in arrived)
        return targets, len(arrived) - targets

    @property
    def targets_left(self) -> list[int]:
        """Bodies of the targets that are not delivered, wherever they are."""
        return [body for body in self._scene.targets if body not in self._delivered]

    @property
    def targets_lost(self) -> int:
        """How many of them lie outside the workspace."""
        grid, world = self._environment.cell.workspace.grid, self._environment.world
        return sum(not grid.contains(*map(float, world.position(body)[:2])) for body in self.targets_left)

    def visible(self, seen: Mapping[int, int]) -> float | None:
        """Part of the best visible target left that the camera sees, about 1 if nothing hides it; None without any.

        seen: how many pixels of the camera's image show each body.
        """
        left = {body: self._scene.blocks[body] for body in self.targets_left}
        if not left:
            return None
        return max(visible_fractions(self._environment.world, self._environment.camera, left, seen).values())
