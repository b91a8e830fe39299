"""Views know which objects they do not show, and come from scenes that no measurement uses."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tabletop import put

from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.hidden_views import HiddenView, HiddenViewSource, augmented
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.objects import cuboid


@pytest.fixture(scope="module")
def source() -> HiddenViewSource:
    """One simulated cell for all tests that make views."""
    return HiddenViewSource()


def emptied(source: HiddenViewSource) -> Environment:
    """The cell of a source with an empty table."""
    environment = source._environment
    environment.reset(0, "random")
    for body in list(environment.scene.blocks):
        environment.world.remove_body(body)
    return environment


@pytest.mark.sim
def test_what_another_object_covers_is_hidden_at_its_place(source: HiddenViewSource) -> None:
    environment = emptied(source)
    grid = environment.cell.workspace.grid
    x, y = grid.to_meters(100.0, 60.0)
    low, high = cuboid(0.03, 0.03, 0.03), cuboid(0.06, 0.06, 0.03)
    put(environment, low, x, y)
    alone = source._view()
    assert alone.hidden.sum() == 0
    body = put(environment, high, x, y)
    environment.world.bullet.resetBasePositionAndOrientation(body, [x, y, 0.045], [0, 0, 0, 1])
    covered = source._view()
    assert np.argwhere(covered.hidden).tolist() == [[25, 15]]
    assert covered.hidden.max() == 1
    np.testing.assert_allclose(covered.height[100, 60], 0.06, atol=2e-3)


@pytest.mark.sim
def test_equal_generators_give_equal_views_and_objects_move_between_them(source: HiddenViewSource) -> None:
    first, again, other = (source.views(3, np.random.default_rng(seed)) for seed in (2, 2, 3))
    assert len(first) == 3
    for view, same in zip(first, again, strict=True):
        np.testing.assert_array_equal(view.height, same.height)
        np.testing.assert_array_equal(view.hidden, same.hidden)
    assert not np.array_equal(first[0].height, other[0].height)
    assert not np.array_equal(first[0].height, first[1].height)


@pytest.mark.sim
def test_scenes_for_training_have_seeds_that_no_measurement_uses(
    source: HiddenViewSource, monkeypatch: pytest.MonkeyPatch
) -> None:
    seeds: list[int] = []

    def reset(_environment: Environment, seed: int, *_scene: Any, **_numbers: Any) -> None:
        seeds.append(seed)
        if len(seeds) < 50:
            raise SceneNotSettledError
        raise InterruptedError

    monkeypatch.setattr(Environment, "reset", reset)
    with pytest.raises(InterruptedError):
        source.views(1, np.random.default_rng(0))
    assert 1_000_000 <= min(seeds) <= max(seeds) < 2**31


def test_labels_turn_with_their_view() -> None:
    height = np.zeros((16, 16), np.float16)
    height[4:8, 0:4] = 0.05
    hidden = np.zeros((4, 4), np.uint8)
    hidden[1, 0] = 2
    view = HiddenView(height, np.ones((16, 16), np.bool_), hidden)
    for seed in range(12):
        found = augmented(view, np.random.default_rng(seed), 0.001)
        row, column = np.argwhere(found.hidden)[0]
        assert found.hidden.sum() == 2
        np.testing.assert_allclose(found.height[4 * row : 4 * row + 4, 4 * column : 4 * column + 4], 0.05, atol=0.006)
        assert found.height.max() < 0.06
