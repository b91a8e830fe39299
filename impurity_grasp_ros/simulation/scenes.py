"""Scenes: random ones, generated from a seed as ``config/scenes/`` describes them, and presets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.config import from_mapping, parameter, read_yaml
from impurity_grasp_ros.errors import ConfigError, InvalidGoalError, SceneNotSettledError, UnknownSceneError
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.camera import SimulatedCamera
from impurity_grasp_ros.simulation.layouts import (
    LAYOUTS,
    DroppedLayout,
    HeapedLayout,
    Layout,
    PackedLayout,
    Stage,
)
from impurity_grasp_ros.simulation.library import BlockLibrary
from impurity_grasp_ros.simulation.meshes import NO_MESHES, MeshRange
from impurity_grasp_ros.simulation.objects import Block
from impurity_grasp_ros.simulation.presets import PRESET_SUFFIX, arrange, load_preset
from impurity_grasp_ros.simulation.probe import GraspProbe, corners, visible_fractions
from impurity_grasp_ros.simulation.sensor_noise import NOISELESS, CameraNoise, SensorNoise
from impurity_grasp_ros.simulation.textures import PLAIN, TextureConfig, dress
from impurity_grasp_ros.simulation.world import World

SCENES_FOLDER = "config/scenes"
MAX_TRIALS = 40
SETTLE_LIMIT = 3.0
"""Maximum time in seconds for a scene to come to rest."""

MAX_SINK = 0.004
"""Maximum depth in meters to which a block may sink into the table."""

TEXTURE_STREAM, CAMERA_STREAM = 1, 2
"""Numbers of additional random streams of a seed, besides that of the blocks."""

MAX_TARGETS, MAX_BLOCKS = 10, 40


@dataclass(frozen=True)
class SceneConfig:
    """The contents of a scene file except for its layout."""

    description: str = parameter("one sentence")
    targets: int = parameter("number of targets", low=0, high=MAX_TARGETS)
    blocks: int = parameter("number of ordinary blocks", low=0, high=MAX_BLOCKS)
    palettes: tuple[str, ...] = parameter("palettes, one of which is drawn")
    meshes: MeshRange = NO_MESHES
    camera: CameraNoise = NOISELESS
    textures: TextureConfig = PLAIN


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


def scene_names() -> list[str]:
    """Names of the shipped scenes, sorted."""
    return sorted(path.stem for path in resource(SCENES_FOLDER).glob("*.yaml"))


def load_scene(name: str) -> tuple[SceneConfig, Layout]:
    """Load the configuration and the layout of a shipped scene.

    Raises:
        UnknownSceneError: The name is unknown.
        ConfigError: The scene file is invalid.
    """
    if name not in scene_names():
        raise UnknownSceneError(f"expected a scene out of {', '.join(scene_names())}, received {name!r}")
    values = dict(read_yaml(f"{SCENES_FOLDER}/{name}.yaml"))
    layout = values.pop("layout", None)
    if not isinstance(layout, Mapping) or len(layout) != 1 or (kind := next(iter(layout))) not in LAYOUTS:
        raise ConfigError(f"{name}.layout: expected exactly one of {', '.join(LAYOUTS)}, received {layout!r}")
    return from_mapping(SceneConfig, values, f"{name}."), from_mapping(LAYOUTS[kind], layout[kind], f"{name}.{kind}.")


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
        targets = config.targets if targets is None else targets
        blocks = config.blocks if blocks is None else blocks
        if not (0 <= targets <= MAX_TARGETS and 0 <= blocks <= MAX_BLOCKS):
            raise InvalidGoalError(
                f"expected 0..{MAX_TARGETS} targets and 0..{MAX_BLOCKS} blocks, received {targets} and {blocks}"
            )
        _check_seed(seed)
        rng = np.random.default_rng(seed)
        for _ in range(MAX_TRIALS):
            stage = self._stage(config, rng)
            layout.place(stage, targets, blocks)
            self._world.settle(SETTLE_LIMIT)
            if self._accept(layout, stage.placed):
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
        palette = self._library.palette(config.palettes[rng.integers(len(config.palettes))])
        return Stage(self._world, middle, replace(self._library, meshes=config.meshes), palette, rng, {})

    def _accept(self, layout: Layout, placed: Mapping[int, Block]) -> bool:
        margin = layout.margin if isinstance(layout, DroppedLayout) else 0.02
        if not self._world.at_rest() or not all(self._in_place(body, block, margin) for body, block in placed.items()):
            return False
        targets = {body: block for body, block in placed.items() if block.target}
        if isinstance(layout, PackedLayout):
            return not any(self._probe.fits(body, block, layout.engagement) for body, block in targets.items())
        if isinstance(layout, HeapedLayout):
            fractions = visible_fractions(self._world, self._camera, targets, self._camera.visible_pixels())
            return all(fraction < layout.max_visible for fraction in fractions.values())
        return True

    def _in_place(self, body: int, block: Block, margin: float) -> bool:
        """Whether a block lies on the table, at least ``margin`` meters inside the workspace."""
        points = corners(self._world, body, block)
        x, y = points[:, :2].mean(axis=0)
        return self._grid.contains(x, y, margin) and points[:, 2].min() > -MAX_SINK


def _check_seed(seed: int) -> None:
    if seed < 0:
        raise InvalidGoalError(f"expected a seed of at least 0, received {seed}")
