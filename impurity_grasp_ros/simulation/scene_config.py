"""Descriptions of the shipped scenes, as ``config/scenes/`` gives them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from impurity_grasp_ros.config import from_mapping, parameter, read_yaml
from impurity_grasp_ros.errors import ConfigError, UnknownSceneError
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.goods import NO_GOODS, GoodsConfig
from impurity_grasp_ros.simulation.layouts import LAYOUTS, Layout
from impurity_grasp_ros.simulation.library import ShapeRange, shape_ranges
from impurity_grasp_ros.simulation.meshes import NO_MESHES, MeshRange
from impurity_grasp_ros.simulation.sensor_noise import NOISELESS, CameraNoise
from impurity_grasp_ros.simulation.textures import PLAIN, TextureConfig

SCENES_FOLDER = "config/scenes"
MAX_TARGETS, MAX_BLOCKS = 10, 40


@dataclass(frozen=True)
class SceneConfig:
    """The contents of a scene file except for its layout.

    ``shapes``: ranges of dimensions by kind of shape; None for those of ``config/blocks.yaml``.
    """

    description: str = parameter("one sentence")
    targets: int = parameter("number of targets", low=0, high=MAX_TARGETS)
    blocks: int = parameter("number of ordinary blocks", low=0, high=MAX_BLOCKS)
    palettes: tuple[str, ...] = parameter("palettes, one of which is drawn; none for goods")
    more_blocks: int = parameter("up to so many more ordinary blocks, drawn", low=0, high=MAX_BLOCKS, default=0)
    shapes: Mapping[str, ShapeRange] | None = None
    meshes: MeshRange = NO_MESHES
    camera: CameraNoise = NOISELESS
    textures: TextureConfig = PLAIN
    goods: GoodsConfig = NO_GOODS

    def draw_blocks(self, rng: np.random.Generator) -> int:
        """Draw the number of ordinary blocks; nothing is drawn if it is always the same."""
        return self.blocks + (int(rng.integers(self.more_blocks + 1)) if self.more_blocks else 0)

    def __post_init__(self) -> None:
        """Check that there is exactly one source of colors."""
        if bool(self.palettes) == bool(self.goods.family):
            raise ConfigError(f"expected either palettes or goods, received {self.palettes} and {self.goods}")


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
    shapes = shape_ranges(values.pop("shapes"), name) if "shapes" in values else None
    config = replace(from_mapping(SceneConfig, values, f"{name}."), shapes=shapes)
    return config, from_mapping(LAYOUTS[kind], layout[kind], f"{name}.{kind}.")
