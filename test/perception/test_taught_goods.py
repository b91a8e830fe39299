"""With the shipped weights, a product that was taught is recognized, whatever a job begins with.

Prints what was measured; run with ``-m slow -s``.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache

import numpy as np
import pytest
from tiny_objects import objects_mode

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project_labels
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.odd_objects import ObjectsMemory, describe, find_odd_objects, network_of
from impurity_grasp_ros.perception.oddness import familiarity
from impurity_grasp_ros.perception.samples import Site
from impurity_grasp_ros.perception.teaching import Teacher
from impurity_grasp_ros.perception.view import ViewConfig, look
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation.environment import Environment

WEIGHTS = os.environ.get("IMPURITY_GRASP_ATTENTION_WEIGHTS", "")
"""Other weights than the shipped ones."""

try:
    resource(WEIGHTS or "models/attention.safetensors")
    MISSING = ""
except ConfigError as error:
    MISSING = str(error)

pytestmark = [pytest.mark.slow, pytest.mark.sim, pytest.mark.skipif(bool(MISSING), reason=MISSING)]

CONFIG = objects_mode(WEIGHTS)
PRODUCTS = ("coal_slate", "mushroom_stone")
OTHERS = (*PRODUCTS, "random")
"""What is seen; ``random`` is no product, since its colors depend on the seed."""

FIRST_TAUGHT, FIRST_SEEN = 9000, 9100
TAUGHT, SEEN = 3, 4
"""Scenes that are shown, and scenes that are looked at afterward."""


@dataclass(frozen=True)
class Scene:
    """A view, and which of its cells show an impurity or an ordinary object."""

    heightmap: Heightmap
    odd: np.ndarray
    ordinary: np.ndarray


@cache
def environment() -> Environment:
    return Environment()


@cache
def scene(name: str, seed: int, targets: int, blocks: int) -> Scene:
    """A simulated view with its truth."""
    world = environment()
    world.reset(seed, name, targets=targets, blocks=blocks)
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    rendering = world.camera.render()
    frame: RgbdFrame = world.camera.develop(rendering)
    config = packaged_parameters("heightmap_node", ViewConfig, "view")
    heightmap, _ = look(frame, Site.of(world.cell), projection, config, None)
    bodies = project_labels(frame, rendering.bodies, heightmap.grid, projection)
    blocks_of = world.scene.blocks.items()
    odd, ordinary = ([body for body, block in blocks_of if block.target is target] for target in (True, False))
    return Scene(heightmap, np.isin(bodies, odd), np.isin(bodies, ordinary))


@cache
def teacher(product: str) -> Teacher:
    """A product without impurities, shown in a few scenes."""
    taught = Teacher.begin(CONFIG.objects)
    for seed in range(FIRST_TAUGHT, FIRST_TAUGHT + TAUGHT):
        taught = taught.shown(scene(product, seed, 0, 12).heightmap, CONFIG)
    return taught


def vectors(view: Scene) -> np.ndarray:
    """Descriptions of the objects in view."""
    cells = object_cells(view.heightmap, CONFIG.occlusion)
    return describe(network_of(CONFIG.objects), view.heightmap, cells, CONFIG.objects.segmentation).vectors


def judged(product: str, view: Scene) -> tuple[ObjectsMemory, list[tuple[bool, float]]]:
    """The memory of a job's first view, and for each object whether it is odd and how odd it seems."""
    model = teacher(product).model()
    cells = object_cells(view.heightmap, CONFIG.occlusion)
    _, memory = find_odd_objects(view.heightmap, cells, ObjectsMemory(model), CONFIG.objects)
    pairs = [
        (bool(view.odd[item.mask].sum() > view.ordinary[item.mask].sum()), item.odd)
        for item in memory.objects
        if (view.odd | view.ordinary)[item.mask].mean() > 0.5
    ]
    return memory, pairs


@pytest.mark.parametrize("product", PRODUCTS)
def test_goods_that_were_taught_are_familiar_and_others_are_not(product: str) -> None:
    for other in OTHERS:
        views = [scene(other, FIRST_SEEN + index, 0, 10) for index in range(SEEN)]
        model = teacher(product).model()
        assert model is not None
        likeness = [familiarity(vectors(view), model) for view in views]
        low, median, high = np.quantile(np.concatenate(likeness), [0.05, 0.5, 0.95])
        print(f"taught {product}, seen {other}: similarity {low:.2f}, {median:.2f}, {high:.2f}")
        unfamiliar = [judged(product, view)[0].unfamiliar for view in views]
        assert unfamiliar == [other != product] * SEEN, (product, other)


@pytest.mark.parametrize(("targets", "blocks"), [(6, 3), (3, 1), (0, 1)])
@pytest.mark.parametrize("product", PRODUCTS)
def test_a_job_may_begin_with_more_impurities_than_product(product: str, targets: int, blocks: int) -> None:
    views = [scene(product, FIRST_SEEN + 50 + index, targets, blocks) for index in range(SEEN)]
    found = [pair for view in views for pair in judged(product, view)[1]]
    right = np.mean([(odd > CONFIG.objects.oddness.min_probability) == is_odd for is_odd, odd in found])
    print(f"{product}, {targets} impurities and {blocks} ordinary objects: {right:.0%} of {len(found)} told apart")
    assert right >= 0.9
