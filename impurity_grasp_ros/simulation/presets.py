"""Presets: scenes in YAML files, shipped or your own, that list their objects one by one (docs/scenes.md)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.spatial.transform import Rotation

from impurity_grasp_ros.config import from_mapping, parameter, read_fresh_yaml, shown
from impurity_grasp_ros.datatypes import Grid
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.library import rgb
from impurity_grasp_ros.simulation.meshes import MeshShape
from impurity_grasp_ros.simulation.objects import Block, spawn
from impurity_grasp_ros.simulation.preset_rows import PHYSICS, ROWS, physics_of
from impurity_grasp_ros.simulation.sensor_noise import NOISELESS, CameraNoise
from impurity_grasp_ros.simulation.textures import PLAIN, TextureConfig
from impurity_grasp_ros.simulation.world import World

PRESET_SUFFIX = ".yaml"
"""Suffix of the name of a preset; the names of generated scenes have none."""

MAX_OBJECTS = 50
MAX_OVERLAP = 0.003
"""Maximum initial overlap of an object with another one or the table, meters."""


@dataclass(frozen=True, eq=False)
class PlacedBlock:
    """A block with its pose.

    Attributes:
        block: The block.
        position: (3,) center of its volume, meters in the base frame.
        orientation: (4,) quaternion (x, y, z, w).
    """

    block: Block
    position: NDArray[np.float64]
    orientation: NDArray[np.float64]


@dataclass(frozen=True)
class PresetConfig:
    """The contents of a preset except for its objects."""

    description: str = parameter("one sentence")
    camera: CameraNoise = NOISELESS
    textures: TextureConfig = PLAIN


@dataclass(frozen=True)
class Preset:
    """A scene as its file describes it, with the objects in the order of the file, and the files that describe it."""

    name: str
    config: PresetConfig
    objects: tuple[PlacedBlock, ...]
    files: tuple[Path, ...]

    @property
    def is_repeated(self) -> bool:
        """Whether all seeds give the same scene and the same images."""
        return self.config.camera == NOISELESS and self.config.textures == PLAIN


def load_preset(name: str) -> Preset:
    """Load a preset.

    Args:
        name: Path of the file, relative to the working directory or to the package's shared files.

    Raises:
        ConfigError: The file is missing or invalid; the message names the object at fault.
    """
    path = _find(name)
    content = dict(read_fresh_yaml(str(path)))  # it may be edited between two resets
    rows = content.pop("objects", None)
    config = from_mapping(PresetConfig, content, f"{name}: ")
    if not isinstance(rows, list) or not 1 <= len(rows) <= MAX_OBJECTS:
        received = f"{len(rows)}" if isinstance(rows, list) else shown(rows)
        raise ConfigError(f"{name}: objects: expected a list of 1 to {MAX_OBJECTS}, received {received}")
    objects = tuple(_placed(row, path.parent, f"{name}: objects[{index}]") for index, row in enumerate(rows))
    meshes = (path.parent / row["file"] for row in rows if "file" in row)
    return Preset(name, config, objects, (path, *dict.fromkeys(meshes)))


def presets_in(folder: Path) -> list[str]:
    """Return the paths of the presets in a folder, in the order of their names.

    Raises:
        ConfigError: There is none.
    """
    found = sorted(str(path) for path in folder.glob(f"*{PRESET_SUFFIX}"))
    if not found:
        raise ConfigError(f"expected presets ({PRESET_SUFFIX}) in folder {folder}, found none")
    return found


def arrange(world: World, grid: Grid, preset: Preset) -> dict[int, Block]:
    """Add the objects of a preset to the world.

    Returns:
        The blocks by body, in the order of the file.

    Raises:
        ConfigError: The center of an object is outside the workspace, or an object overlaps another one, the table, the
            bin or the robot.
    """
    for index, placed in enumerate(preset.objects):
        x, y, _ = placed.position
        if not grid.contains(x, y):
            low, high = grid.to_meters(-0.5, -0.5), grid.to_meters(grid.rows - 0.5, grid.columns - 0.5)
            raise ConfigError(
                f"{preset.name}: objects[{index}]: expected its center in the workspace, "
                f"x {low[0]:.3f} to {high[0]:.3f} and y {low[1]:.3f} to {high[1]:.3f} m, received ({x:.3f}, {y:.3f})"
            )
    blocks = {spawn(world, item.block, item.position, item.orientation): item.block for item in preset.objects}
    world.bullet.performCollisionDetection()
    rows = {body: f"objects[{index}]" for index, body in enumerate(blocks)}
    for body, row in rows.items():
        for contact in world.bullet.getContactPoints(bodyA=body):
            if -contact[8] > MAX_OVERLAP:
                other = rows.get(contact[2], "the table, the bin or the robot")
                raise ConfigError(
                    f"{preset.name}: {row}: expected it to stand at most {1e3 * MAX_OVERLAP:.0f} mm in {other}, "
                    f"received {-1e3 * contact[8]:.0f} mm"
                )
    return blocks


def _find(name: str) -> Path:
    """Find the file of a preset; raises ConfigError if there is none or the name is not a valid path."""
    try:
        own = Path(name).expanduser()
        return own.absolute() if own.exists() else resource(name)
    except (OSError, RuntimeError, ValueError) as error:  # the name is too long, or the home folder of an unknown user
        raise ConfigError(f"expected the path of a preset, received {shown(name)}: {error}") from error


def _placed(values: Any, folder: Path, where: str) -> PlacedBlock:
    """Make the block of one entry; ``where`` names the entry in errors."""
    if not isinstance(values, Mapping):
        raise ConfigError(f"{where}: expected a mapping, received {shown(values)}")
    kind, rest = values.get("shape"), {key: value for key, value in values.items() if key != "shape"}
    if not isinstance(kind, str) or kind not in ROWS:
        raise ConfigError(f"{where}.shape: expected one of {', '.join(ROWS)}, received {shown(kind)}")
    if "yaw" in rest:
        if "rpy" in rest:
            raise ConfigError(f"{where}: expected either yaw or rpy, received both")
        rest["rpy"] = [0.0, 0.0, rest.pop("yaw")]
    physics = physics_of(rest, where)
    shape = {key: value for key, value in rest.items() if key not in PHYSICS}
    row = from_mapping(ROWS[kind], {"target": False, "rpy": [0.0, 0.0, 0.0], **shape}, f"{where}.")
    try:
        solid, color = row.solid(folder), rgb(row.color)
    except ConfigError as error:
        raise ConfigError(f"{where}: {error}") from error
    density = physics["mass"] / solid.volume if "mass" in physics else physics.get("density")
    block = Block(solid, color, row.target, row.color, density=density, friction=physics.get("friction"))
    rotation, position = Rotation.from_euler("xyz", row.rpy), np.array(row.position)
    if isinstance(block.shape, MeshShape):  # an entry specifies the pose of the file's origin
        position = position - rotation.apply(block.shape.offset)
    return PlacedBlock(block, position, rotation.as_quat())
