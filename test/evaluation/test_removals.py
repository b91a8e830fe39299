"""Objects vanish in an order that the seed gives, the others come to rest, and every view knows its ground truth."""

from __future__ import annotations

import numpy as np
import pytest

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.evaluation.removals import removal_order, views
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import Block, cuboid
from impurity_grasp_ros.simulation.scenes import Scene

PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
SOLID = cuboid(0.03, 0.04, 0.05)
TOWER = "config/scenes/examples/tower.yaml"


def scene(seed: int) -> Scene:
    """Ten blocks, of which 13 and 17 are targets."""
    return Scene("drawn", seed, {body: Block(SOLID, (0.5, 0.5, 0.5), body in (13, 17)) for body in range(10, 20)})


def test_targets_go_first_or_last_and_the_others_in_an_order_of_the_seed() -> None:
    first, last = (removal_order(scene(1), targets_first=choice) for choice in (True, False))
    assert first[:2] == last[-2:] == [13, 17]
    assert first[2:] == last[:-2]
    assert sorted(first) == list(range(10, 20))
    assert removal_order(scene(1), targets_first=True) == first
    assert removal_order(scene(2), targets_first=True) != first


@pytest.mark.sim
def test_a_removed_object_is_gone_and_what_lay_on_it_falls(environment: Environment) -> None:
    environment.reset(0, TOWER)
    slab, target = sorted(environment.scene.blocks, key=environment.world.top)[-2:]
    environment.world.step(1000)  # until the engine deactivates what is at rest
    height = environment.world.position(target)[2]
    before, after = views(environment, [slab], PROJECTION)
    assert (before.step, after.step) == (0, 1)
    assert slab in before.bodies
    assert slab not in after.bodies
    assert environment.world.position(target)[2] < height - 0.01
    assert set(np.unique(before.bodies)) <= {-1, *environment.scene.blocks}  # neither table nor robot
    assert set(before.targets) == set(after.targets) == set(environment.scene.targets)
    assert before.heightmap.height[before.mask(target)].max() > 0.08
    np.testing.assert_array_equal(before.target_cells, np.isin(before.bodies, before.targets))


@pytest.mark.sim
def test_only_some_steps_are_looked_at_and_a_removed_target_is_no_longer_left(environment: Environment) -> None:
    environment.reset(0, TOWER)
    order = removal_order(environment.scene, targets_first=True)
    count = len(environment.scene.targets)
    seen = list(views(environment, order[:4], PROJECTION, {0, count, 4}))
    assert [view.step for view in seen] == [0, count, 4]
    assert [len(view.targets) for view in seen] == [count, 0, 0]
    assert len(environment.world.bodies) == len(order) - 4
