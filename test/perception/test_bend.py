"""A table that bends by some millimeters is no object, and objects on it keep their heights."""

from dataclasses import replace

import numpy as np
import pytest
from mixed_pixels import Values, bent
from traced_frames import Box
from traced_scenes import overhead

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap, RgbdFrame
from impurity_grasp_ros.errors import TableMovedError
from impurity_grasp_ros.perception.bend import BentTable, fit_bend
from impurity_grasp_ros.perception.heightmap import ProjectionConfig, project
from impurity_grasp_ros.perception.ortho import fine_color
from impurity_grasp_ros.perception.samples import Site, sample
from impurity_grasp_ros.perception.table import TablePlane, fit_table
from impurity_grasp_ros.perception.view import ViewConfig, look

SITE = Site.of(load_cell())
PROJECTION = packaged_parameters("heightmap_node", ProjectionConfig, "projection")
CONFIG = packaged_parameters("heightmap_node", ViewConfig, "view")
UNCORRECTED = replace(CONFIG, table=replace(CONFIG.table, max_bend=0.0, neutral_bend=0.005))
BOXES = [
    Box((0.36 + 0.09 * i, 0.40 + 0.09 * i), (-0.13 + 0.09 * j, -0.09 + 0.09 * j), 0.03, (140, 107, 77))
    for i in range(3)
    for j in range(3)
]
LEVEL = overhead(BOXES)


def dish(depth: float, x: Values, y: Values) -> Values:
    """A bend that rises from ``-depth`` / 2 in the middle to ``depth`` / 2 at the middle of the workspace's borders."""
    return np.asarray(depth * (((x - 0.5) ** 2 + y**2) / 0.224**2 - 0.5), np.float32)


def dished(depth: float, frame: RgbdFrame = LEVEL) -> RgbdFrame:
    return bent(frame, lambda x, y: dish(depth, x, y))


def see(frame: RgbdFrame, config: ViewConfig = CONFIG) -> Heightmap:
    return look(frame, SITE, PROJECTION, config, None)[0]


def surface(frame: RgbdFrame, max_bend: float = 0.004) -> BentTable | None:
    samples = sample(frame, SITE.grid, CONFIG.surround)
    plane = fit_table(samples, SITE.grid.middle, CONFIG.table) or TablePlane(SITE.grid.middle)
    return fit_bend(samples, plane, SITE.grid, CONFIG.surround, replace(CONFIG.table, max_bend=max_bend))


def bend_at(table: BentTable, x: float, y: float) -> float:
    one = np.ones(1, np.float32)
    return float(table.plane.above(one * x, one * y, 0 * one)[0] - table.above(one * x, one * y, 0 * one)[0])


def test_a_bent_table_is_level_and_objects_keep_their_heights() -> None:
    truth = project(LEVEL, SITE.grid, PROJECTION)
    table, tops = truth.height < 0.001, truth.height > 0.029
    bent_map, plain = see(dished(0.003)), see(dished(0.003), UNCORRECTED)
    # Within a cell or two of an edge, a shift of the readings matters more than the bend.
    assert np.quantile(np.abs(bent_map.height[table & bent_map.valid]), 0.99) < 0.0005
    assert np.quantile(np.abs(plain.height[table & plain.valid]), 0.99) > 0.001
    assert np.quantile(np.abs(bent_map.height[tops & bent_map.valid] - 0.03), 0.95) < 0.001


def test_a_flat_table_changes_nothing() -> None:
    assert surface(LEVEL) is None
    heightmap, plain = see(LEVEL), project(LEVEL, SITE.grid, PROJECTION)
    np.testing.assert_array_equal(heightmap.height, plain.height)
    assert surface(dished(0.0001)) is None


def test_the_correction_is_bounded() -> None:
    table = surface(dished(0.010))
    assert table is not None
    assert np.abs(table.bend).max() <= np.float32(0.004)
    assert np.abs(table.bend).max() > 0.003
    small = surface(dished(0.010), max_bend=0.002)
    assert small is not None
    assert np.abs(small.bend).max() <= np.float32(0.002)


def flat_sides(table: BentTable | None) -> int:
    """At how many of its four sides a table is not corrected."""
    assert table is not None
    assert np.abs(table.bend[4:8, 4:8]).max() > 0.001
    sides = table.bend[0], table.bend[-1], table.bend[:, 0], table.bend[:, -1]
    return sum(not side.any() for side in sides)


def test_nothing_is_corrected_where_the_table_is_not_read() -> None:
    frame = dished(0.004)
    depth = frame.depth.copy()
    depth[:, :120] = 0.0
    assert flat_sides(surface(replace(frame, depth=depth))) == flat_sides(surface(frame)) + 1


def test_objects_do_not_bend_the_table() -> None:
    """Low plates that cover a quarter of the workspace."""
    plates = [Box((0.3 + 0.1 * i, 0.36 + 0.1 * i), (-0.2, 0.2), 0.008, (140, 107, 77)) for i in range(4)]
    assert surface(overhead(plates)) is None


def test_a_table_that_is_too_low_is_refused_bent_or_not() -> None:
    for depth in (0.0, 0.003):
        frame = bent(LEVEL, lambda x, y, depth=depth: dish(depth, x, y) - np.float32(0.008))  # type: ignore[misc]
        with pytest.raises(TableMovedError):
            see(frame)


def test_heights_above_a_bent_table_are_interpolated_between_its_knots() -> None:
    bend = np.zeros((12, 12), np.float32)
    bend[3, 5], bend[3, 6] = 0.001, 0.003
    table = BentTable(TablePlane((0.0, 0.0), 0.01), bend, (0.2, -0.3), (0.05, 0.06))
    x, y = np.float32([0.45, 0.475, 0.50, 0.2, -9.0]), np.float32([-0.12, -0.12, -0.12, -0.3, 9.0])
    expected = [0.02 - 0.001, 0.02 - 0.002, 0.02 - 0.003, 0.02, 0.02]
    np.testing.assert_allclose(table.above(x, y, np.full(5, 0.03, np.float32)), expected, atol=2e-4)
    for shape in ((50, 70), (0,)):
        x, y, z = (np.full(shape, value, np.float32) for value in (0.45, -0.12, 0.0))
        assert table.above(x, y, z).shape == shape
        np.testing.assert_allclose(table.above(x, y, z), -0.011, atol=2e-4)


def test_points_on_a_bent_table_are_looked_up_at_their_true_height() -> None:
    frame = dished(0.004)
    table = surface(frame)
    assert table is not None
    assert bend_at(table, 0.5, 0.0) < -0.001
    heightmap = project(frame, SITE.grid, PROJECTION, table)
    image = fine_color(frame, heightmap, 2, table)
    assert image.shape == (448, 448, 3)
    seen = np.repeat(np.repeat(heightmap.valid, 2, axis=0), 2, axis=1)
    assert (image.any(axis=2) == seen).all()
