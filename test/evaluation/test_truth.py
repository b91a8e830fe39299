"""What the simulator knows of a scene: which cells show a target, where it is, and an attention without doubt."""

from __future__ import annotations

import numpy as np
import pytest
from teleport import teleport

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState, Grid, Heightmap
from impurity_grasp_ros.evaluation.truth import Truth, places, see
from impurity_grasp_ros.perception.heightmap import ProjectionConfig
from impurity_grasp_ros.simulation.environment import Environment

GRID = Grid(0.276, -0.224)
SEEN, HIDDEN, OTHER = 7, 8, 9


def drawn(cells: int = 40) -> Truth:
    """Of a target some cells show, of another one none, and something else lies beside it.

    The first target's full rows of ten cells begin at row 60 and column 100.
    """
    bodies = np.full((224, 224), -1, np.int32)
    rows, columns = np.divmod(np.arange(cells), 10)
    bodies[60 + rows, 100 + columns] = SEEN
    bodies[150:160, 20:30] = OTHER
    height = np.linspace(0.0, 0.05, 224 * 224, dtype=np.float32).reshape(224, 224)
    color = np.zeros((224, 224, 3), np.uint8)
    heightmap = Heightmap(color, height, np.ones((224, 224), np.bool_), GRID, 2.0)
    return Truth(heightmap, bodies, {SEEN: np.array([0.49, -0.10, 0.02]), HIDDEN: np.array([0.60, 0.05, 0.01])})


def test_a_mask_has_the_cells_that_show_a_body() -> None:
    truth = drawn()
    expected = np.zeros((224, 224), np.bool_)
    expected[60:64, 100:110] = True
    np.testing.assert_array_equal(truth.mask(SEEN), expected)
    assert not truth.mask(HIDDEN).any()


@pytest.mark.parametrize(("cells", "visible"), [(0, False), (19, False), (20, True), (40, True)])
def test_twenty_cells_are_an_outline(cells: int, visible: bool) -> None:
    assert drawn(cells).is_visible(SEEN) is visible


def test_a_visible_target_is_attended_to_on_its_own_cells() -> None:
    truth = drawn()
    attention = truth.attention(SEEN)
    assert attention.state is AttentionState.TARGET
    assert attention.score == 1.0
    # the middle of rows 60 to 63 and columns 100 to 109
    np.testing.assert_allclose(attention.center, [0.276 + 0.002 * 105, -0.224 + 0.002 * 62])
    # rows 6 to 117 and columns 49 to 160: 61.5 and 104.5 are 55.5 cells from either end
    expected = np.zeros((112, 112), np.bool_)
    expected[54:58, 51:61] = True
    np.testing.assert_array_equal(attention.mask, expected)
    np.testing.assert_array_equal(attention.crop.height, truth.heightmap.height[6:118, 49:161])
    assert attention.crop.valid.all()


@pytest.mark.parametrize("body", [SEEN, HIDDEN, None])
def test_the_saliency_shows_all_targets_and_there_are_no_clusters(body: int | None) -> None:
    truth = drawn()
    attention = truth.attention(body)
    assert attention.saliency.dtype == np.float32
    np.testing.assert_array_equal(attention.saliency, truth.mask(SEEN).astype(np.float32))
    assert attention.clusters == ()


def test_a_hidden_target_is_a_candidate_at_its_true_place() -> None:
    truth = drawn()
    attention = truth.attention(HIDDEN)
    assert attention.state is AttentionState.CANDIDATE
    assert attention.center == (0.60, 0.05)
    assert attention.score == 0.0
    assert attention.mask.shape == (112, 112)
    assert attention.mask.all()
    # cell (136.5, 161.5) is the place: rows 81 to 192, columns 106 to 217
    np.testing.assert_array_equal(attention.crop.height, truth.heightmap.height[81:193, 106:218])


def test_without_a_target_the_workspace_is_clear() -> None:
    truth = drawn()
    attention = truth.attention(None)
    assert attention.state is AttentionState.CLEAR
    assert attention.score == 0.0
    assert attention.center == pytest.approx((0.5, 0.0))
    assert attention.mask.shape == (112, 112)
    assert not attention.mask.any()
    np.testing.assert_array_equal(attention.crop.height, truth.heightmap.height[56:168, 56:168])


@pytest.mark.sim
def test_places_are_those_of_targets_in_the_workspace(environment: Environment) -> None:
    environment.reset(1000, "random")
    first, second = environment.scene.targets
    before = places(environment)
    assert list(before) == [first, second]
    np.testing.assert_allclose(before[first], environment.world.position(first))
    teleport(environment, first, 0.60, -0.45)
    assert list(places(environment)) == [second]


@pytest.mark.sim
def test_what_is_seen_is_true(environment: Environment) -> None:
    environment.reset(1000, "random")
    projection = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
    truth = see(environment, environment.observe(), projection)
    assert set(truth.places) == set(environment.scene.targets)
    grid = environment.cell.workspace.grid
    for body, place in truth.places.items():
        assert truth.is_visible(body)
        rows, columns = np.nonzero(truth.mask(body))
        middle = grid.to_meters(float(rows.mean()), float(columns.mean()))
        np.testing.assert_allclose(middle, place[:2], atol=0.012)
        assert truth.heightmap.height[truth.mask(body)].max() > 0.01
