"""Scenes: random ones, generated from a seed as ``config/scenes/`` describes them, and presets."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.errors import InvalidGoalError, SceneNotSettledError
from impurity_grasp_ros.simulation.camera import SimulatedCamera
from impurity_grasp_ros.simulation.hidden_layouts import HeapedLayout, StackedLayout
from impurity_grasp_ros.simulation.layouts import DroppedLayout, Layout, PackedLayout
from impurity_grasp_ros.simulation.library import BlockLibrary
from impurity_grasp_ros.simulation.objects import Block
from impurity_grasp_ros.simulation.presets import PRESET_SUFFIX, arrange, load_preset
from impurity_grasp_ros.simulation.probe import GraspProbe, corners, visible_fractions
from impurity_grasp_ros.simulation.scene_config import MAX_BLOCKS, MAX_TARGETS, SceneConfig, load_scene
from impurity_grasp_ros.simulation.sensor_noise import NOISELESS, CameraNoise, SensorNoise
from impurity_grasp_ros.simulation.stage import Stage
from impurity_grasp_ros.simulation.textures import PLAIN, TextureConfig, dress
from impurity_grasp_ros.simulation.world import World

MAX_TRIALS = 40
SETTLE_LIMIT = 3.0
"""Maximum time in seconds for a scene to come to rest."""

MAX_SINK = 0.004
"""Maximum depth in meters to which a block may sink into the table."""

TEXTURE_STREAM, CAMERA_STREAM = 1, 2
"""Numbers of additional random streams of a seed, besides that of the blocks."""


@dataclass(frozen=True)
class Scene:
    """A scene in the world.

    Attributes:
        name: Name of the shipped scene, or path of the preset.
        seed: Seed of the scene.
        blocks: The blocks by body.
    """

    name: str
    seed: int
    blocks: Mapping[int, Block]

    @property
    def targets(self) -> tuple[int, ...]:
        """Bodies of the targets."""
        return tuple(body for body, block in self.blocks.items() if block.target)


class SceneGenerator:
    """Generates scenes in a world."""

    def __init__(
        self,
        world: World,
        table: int,
        camera: SimulatedCamera,
        probe: GraspProbe,
        cell: CellConfig,
        library: BlockLibrary,
    ) -> None:
        """Prepare the generation.

        Args:
            world: An empty world.
            table: Body of the table.
            camera: Checks how much of the targets is visible, and gets the noise of the scene.
            probe: Checks whether targets can be grasped.
            cell: Layout of the cell.
            library: Shapes and palettes.
        """
        self._world = world
        self._table = table
        self._camera = camera
        self._probe = probe
        self._library = library
        self._grid = cell.workspace.grid

    def generate(self, name: str, seed: int, targets: int | None = None, blocks: int | None = None) -> Scene:
        """Fill an empty world with a scene.

        The same seed gives the same scene. In a preset, it only affects camera noise and textures.

        Args:
            name: Name of a shipped scene, or path of a preset, which ends in ``.yaml``.
            seed: Seed of all random choices, at least 0.
            targets: Number of targets; None for that of the scene file. Must be None for a preset.
            blocks: Number of ordinary blocks; None for that of the scene file. Must be None for a preset.

        Raises:
            UnknownSceneError: The name is unknown.
            InvalidGoalError: A number is out of range, or given for a preset.
            ConfigError: The file of the scene or preset is invalid.
            SceneNotSettledError: No trial was accepted, or a preset did not come to rest.
        """
        if name.endswith(PRESET_SUFFIX):
            return self._preset(name, seed, targets, blocks)
        config, layout = load_scene(name)
        _check_numbers(targets, blocks)
        _check_seed(seed)
        rng = np.random.default_rng(seed)
        for _ in range(MAX_TRIALS):
            stage = self._stage(config, rng)
            drawn = stage.goods.numbers if stage.goods else (None, None)
            numbers = _first(targets, drawn[0], config.targets), _first(blocks, drawn[1], config.draw_blocks(rng))
            layout.place(stage, *numbers)
            self._world.settle(SETTLE_LIMIT)
            if self._accept(layout, config.goods.min_visible, stage.placed):
                self._finish(config.camera, config.textures, seed)
                return Scene(name, seed, stage.placed)
            for body in self._world.bodies:
                self._world.remove_body(body)
        raise SceneNotSettledError(
            f"expected scene {name!r} to come out as described, failed {MAX_TRIALS} times with seed {seed}"
        )

    def _preset(self, name: str, seed: int, targets: int | None, blocks: int | None) -> Scene:
        if targets is not None or blocks is not None:
            raise InvalidGoalError(
                f"expected no numbers of targets and blocks with preset {name}, received {targets} and {blocks}"
            )
        _check_seed(seed)
        preset = load_preset(name)
        placed = arrange(self._world, self._grid, preset)
        self._world.settle(SETTLE_LIMIT)
        if not self._world.at_rest():
            raise SceneNotSettledError(
                f"expected the objects of {name} to rest within {SETTLE_LIMIT} s, one still moves"
            )
        for index, (body, block) in enumerate(placed.items()):
            if not self._in_place(body, block, margin=0.0):
                x, y, z = self._world.position(body)
                raise SceneNotSettledError(
                    f"{name}: objects[{index}]: expected it to rest on the table of the workspace, "
                    f"received ({x:.3f}, {y:.3f}, {z:.3f})"
                )
        self._finish(preset.config.camera, preset.config.textures, seed)
        return Scene(name, seed, placed)

    def _finish(self, camera: CameraNoise, textures: TextureConfig, seed: int) -> None:
        """Add textures and camera noise from separate random streams, so that they do not change how the blocks lie."""
        if textures != PLAIN:
            dress(self._world, self._table, textures, np.random.default_rng([seed, TEXTURE_STREAM]))
        if camera != NOISELESS:
            self._camera.noise = SensorNoise(camera, np.random.default_rng([seed, CAMERA_STREAM]))

    def _stage(self, config: SceneConfig, rng: np.random.Generator) -> Stage:
        grid = self._grid
        middle = grid.middle
        library = replace(self._library, meshes=config.meshes, shapes=config.shapes or self._library.shapes)
        if (goods := config.goods.assortment(rng)) is not None:
            return Stage(self._world, middle, library, None, rng, {}, goods)
        palette = self._library.palette(config.palettes[rng.integers(len(config.palettes))])
        return Stage(self._world, middle, library, palette, rng, {})

    def _accept(self, layout: Layout, min_visible: float, placed: Mapping[int, Block]) -> bool:
        margin = layout.margin if isinstance(layout, DroppedLayout) else 0.02
        if not self._world.at_rest() or not all(self._in_place(body, block, margin) for body, block in placed.items()):
            return False
        targets = {body: block for body, block in placed.items() if block.target}
        if isinstance(layout, HeapedLayout | StackedLayout):
            return all(fraction < layout.max_visible for fraction in self._visible(targets))
        if isinstance(layout, PackedLayout) and any(
            self._probe.fits(body, block, layout.engagement) for body, block in targets.items()
        ):
            return False
        return min_visible == 0.0 or all(fraction >= min_visible for fraction in self._visible(targets))

    def _visible(self, targets: Mapping[int, Block]) -> Iterable[float]:
        """Visible fraction of each target."""
        return visible_fractions(self._world, self._camera, targets, self._camera.visible_pixels()).values()

    def _in_place(self, body: int, block: Block, margin: float) -> bool:
        """Whether a block lies on the table, at least ``margin`` meters inside the workspace."""
        points = corners(self._world, body, block)
        x, y = points[:, :2].mean(axis=0)
        return self._grid.contains(x, y, margin) and points[:, 2].min() > -MAX_SINK


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise InvalidGoalError(f"expected a seed of at least 0, received {seed}")


def _check_numbers(targets: int | None, blocks: int | None) -> None:
    if not (0 <= (targets or 0) <= MAX_TARGETS and 0 <= (blocks or 0) <= MAX_BLOCKS):
        raise InvalidGoalError(
            f"expected 0..{MAX_TARGETS} targets and 0..{MAX_BLOCKS} blocks, received {targets} and {blocks}"
        )


def _first(*numbers: int | None) -> int:
    """The first of the numbers that is given."""
    return next(number for number in numbers if number is not None)
