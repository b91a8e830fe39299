"""What the simulator knows of a scene: which bodies are seen, hidden, swept and taken, and how they look."""

import math

import numpy as np
import pytest
from drawn_cells import BIN, Block, DrawnCell, Scene, shows
from drawn_transitions import WORKSPACE
from hypothesis import given, settings
from hypothesis import strategies as st

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Heightmap, Primitive
from impurity_grasp_ros.learning.scenery import Scenery, SceneView
from impurity_grasp_ros.perception.attention import AttentionConfig

OCCLUSION = packaged_parameters("attention_node", AttentionConfig).occlusion
MIDDLE = (0.5, 0.0)
TARGET = Block(0.5, 0.0)


def look_at(blocks: Scene) -> SceneView:
    """A view of drawn blocks."""
    cell = DrawnCell([blocks])
    cell.reset(0, "random")
    return Scenery(cell).look()


def spotted(cells: dict[int, int], heap: Block | None = None) -> SceneView:
    """A view that shows so many cells of each body, all of them around a heap in the middle or on a bare table."""
    height = np.where(heap.cells, heap.height, 0.0) if heap else np.zeros((224, 224))
    bodies = np.full((224, 224), -1, np.int32)
    for place, (body, count) in enumerate(cells.items()):
        bodies.reshape(-1)[1000 * place : 1000 * place + count] = body
    heightmap = Heightmap(
        np.zeros((224, 224, 3), np.uint8), height.astype(np.float32), np.ones((224, 224), np.bool_), WORKSPACE
    )
    positions = {body: np.array([*MIDDLE, 0.02]) for body in cells}
    return SceneView(heightmap, bodies, positions, None, OCCLUSION)


def test_cells_are_counted_for_each_body() -> None:
    view = spotted({5: 12, 7: 300})
    assert (view.cells(5), view.cells(7), view.cells(6)) == (12, 300, 0)


@pytest.mark.parametrize(("cells", "visible"), [(0, False), (59, False), (60, True), (400, True)])
def test_a_body_is_visible_from_sixty_cells_on(cells: int, visible: bool) -> None:
    assert spotted({3: cells}).is_visible(3) is visible


HEAP = Block(*MIDDLE, length=0.10, width=0.10, height=0.08)


@pytest.mark.parametrize(
    ("cells", "picked"), [(0, True), (8, True), (9, False), (59, False), (60, True)], ids=lambda value: str(value)
)
def test_a_body_of_which_much_but_not_enough_is_seen_is_no_target(cells: int, picked: bool) -> None:
    view = spotted({3: cells}, HEAP)
    assert (view.pick_target(np.random.default_rng(0), 1.0) == 3) is picked
    assert (view.pick_target(np.random.default_rng(0), 1.0) is None) is not picked


def test_a_hidden_body_without_a_heap_is_no_target() -> None:
    assert spotted({3: 0}).pick_target(np.random.default_rng(0), 1.0) is None
    assert spotted({}).pick_target(np.random.default_rng(0), 1.0) is None


@pytest.mark.parametrize("share", [0.0, 0.6, 1.0])
def test_hidden_bodies_are_picked_as_often_as_the_search_share_says(share: float) -> None:
    view, rng = spotted({1: 100, 2: 100, 3: 0, 4: 8, 5: 20}, HEAP), np.random.default_rng(1)
    picked = np.array([view.pick_target(rng, share) for _ in range(60)])
    assert np.isin(picked, [3, 4]).mean() == pytest.approx(share, abs=0.1)
    assert set(picked[np.isin(picked, [3, 4], invert=True)]) == ({1, 2} if share < 1.0 else set())
    assert set(picked[np.isin(picked, [3, 4])]) == ({3, 4} if share > 0.0 else set())


def test_visible_bodies_are_picked_where_none_is_hidden_and_hidden_ones_where_none_is_visible() -> None:
    rng = np.random.default_rng(0)
    assert {spotted({1: 100, 2: 60}).pick_target(rng, 1.0) for _ in range(20)} == {1, 2}
    assert spotted({3: 0}, HEAP).pick_target(rng, 0.0) is None
    assert isinstance(spotted({1: 100}).pick_target(rng, 0.5), int)


def test_a_visible_body_is_seen_in_a_crop_around_its_cells_with_its_mask() -> None:
    focus = look_at({4: Block(0.56, 0.04), 5: Block(0.62, 0.04)}).focus(4)
    assert focus is not None
    assert focus.on_target
    assert shows(focus.mask, focus.crop.grid, Block(0.56, 0.04))
    rows, columns = np.nonzero(focus.mask)
    assert (rows.mean(), columns.mean()) == pytest.approx((55.5, 55.5), abs=0.51)
    np.testing.assert_allclose(focus.crop.height[focus.mask], 0.035, atol=2e-5)
    assert (focus.crop.height[~focus.mask] > 0.03).sum() > 300, "the neighbor is in the crop, but not in the mask"
    assert (focus.crop.color[focus.mask] == 80).all()


@pytest.mark.parametrize(
    ("block", "corner"),
    [(Block(0.5, 0.0), (56, 56)), (Block(0.501, 0.001, 0.05, 0.034), (56, 56)), (Block(0.56, -0.04), (36, 86))],
    ids=["between two cells", "on a cell", "elsewhere"],
)
def test_a_crop_begins_fifty_six_cells_before_the_middle_of_a_body(block: Block, corner: tuple[int, int]) -> None:
    focus = look_at({4: block}).focus(4)
    assert focus is not None
    assert focus.crop.grid == WORKSPACE.window(*corner, 112)
    assert focus.crop.height.shape == focus.mask.shape == (112, 112)


def test_the_crop_lies_around_what_is_seen_of_a_body_and_not_around_its_middle() -> None:
    half_covered = {1: Block(0.50, 0.0, length=0.06), 2: Block(0.53, 0.0, length=0.06, bottom=0.035)}
    focus = look_at(half_covered).focus(1)
    assert focus is not None
    rows, columns = np.nonzero(focus.mask)
    assert len(columns) == 18 * 15, "half of 60 x 36 mm"
    middle = focus.crop.grid.to_meters(float(rows.mean()), float(columns.mean()))
    assert middle == pytest.approx((0.485, 0.0), abs=1e-9)
    assert (rows.mean(), columns.mean()) == pytest.approx((55.5, 55.5), abs=0.51)


@pytest.mark.parametrize(("x", "y"), [(0.30, -0.20), (0.70, 0.20)])
def test_a_crop_at_the_border_sticks_out_and_nothing_was_seen_there(x: float, y: float) -> None:
    focus = look_at({4: Block(x, y)}).focus(4)
    assert focus is not None
    assert shows(focus.mask, focus.crop.grid, Block(x, y))
    rows, columns = np.indices((112, 112))
    xs, ys = focus.crop.grid.to_meters(rows, columns)
    inside = (xs > 0.276) & (xs < 0.724) & (ys > -0.224) & (ys < 0.224)
    assert 0 < inside.sum() < 112 * 112
    np.testing.assert_array_equal(focus.crop.valid, inside)


def test_a_body_that_is_not_in_play_has_no_focus_and_no_dispersion() -> None:
    view = look_at({4: TARGET})
    assert view.focus(9) is None
    assert view.dispersion(9) == 0.0


def hidden_beside_a_heap(x: float, y: float) -> SceneView:
    """A body that nothing shows, at (x, y), and a wide heap whose middle is that of the workspace."""
    view = look_at({1: HEAP})
    positions = {**view.positions, 2: np.array([x, y, 0.01])}
    return SceneView(view.heightmap, view.bodies, positions, None, view.occlusion)


def test_a_hidden_body_is_searched_for_in_a_crop_around_the_heap() -> None:
    focus = hidden_beside_a_heap(0.52, 0.01).focus(2)
    assert focus is not None
    assert focus.on_target is False
    assert (focus.mask.shape, focus.mask.dtype) == ((112, 112), np.bool_)
    assert focus.mask.all()
    assert (focus.crop.height > 0.07).sum() == 2500, "the heap of 10 x 10 cm is in the crop"


@pytest.mark.parametrize(
    ("along", "across", "found"),
    [
        (0.0, 0.0, True),
        (0.053, 0.0, True),
        (0.0, -0.053, True),
        (0.053, 0.053, True),
        (0.059, 0.0, False),
        (-0.059, 0.0, False),
        (0.0, 0.059, False),
        (0.0, -0.059, False),
        (0.12, 0.0, False),
    ],
)
def test_a_body_can_be_hidden_by_a_heap_whose_middle_is_less_than_a_quarter_of_a_crop_away(
    along: float, across: float, found: bool
) -> None:
    view = hidden_beside_a_heap(*MIDDLE)
    heap = view.focus(2)
    assert heap is not None
    x, y = heap.crop.grid.to_meters(55.5, 55.5)
    moved = hidden_beside_a_heap(x + along, y + across)
    assert (moved.focus(2) is not None) is found, "28 cells are 56 mm"
    assert (moved.pick_target(np.random.default_rng(0), 1.0) == 2) is found


def test_the_larger_of_two_heaps_is_searched_and_a_far_one_is_passed_over() -> None:
    near, large = Block(0.45, 0.0, length=0.05, width=0.05, height=0.08), Block(0.62, 0.0, 0.12, 0.12, 0.08)
    view = look_at({1: near, 2: large})
    positions = {**view.positions, 3: np.array([0.45, 0.0, 0.01])}
    focus = SceneView(view.heightmap, view.bodies, positions, None, view.occlusion).focus(3)
    assert focus is not None
    middle = focus.crop.grid.to_meters(55.5, 55.5)
    assert abs(middle[0] - 0.45) < 0.03
    assert abs(middle[1]) < 0.03


def test_the_dispersion_is_that_of_the_centers_of_all_other_bodies() -> None:
    view = look_at({1: Block(0.5, 0.0), 2: Block(0.55, 0.0), 3: Block(0.5, 0.2), 4: Block(0.44, 0.08)})
    assert view.dispersion(1) == pytest.approx((50 + 85 + 85) / (3 * 85)), "100 mm count as the 85 of the fingers"
    assert view.dispersion(3) == 1.0
    assert look_at({1: TARGET}).dispersion(1) == 1.0, "alone"


def stroke(x: float, y: float, angle: float) -> Primitive:
    return Primitive.push((x, y, 0.01), angle)


@settings(max_examples=15)
@given(st.floats(-math.pi, math.pi))
def test_what_lies_within_five_centimeters_of_a_stroke_may_be_swept(angle: float) -> None:
    c, s = math.cos(angle), math.sin(angle)
    places = {
        1: (0.05, 0.048),
        2: (0.05, -0.048),
        3: (-0.048, 0.0),
        4: (0.148, 0.0),
        11: (0.05, 0.052),
        12: (0.05, -0.052),
        13: (-0.052, 0.0),
        14: (0.152, 0.0),
        15: (-0.04, 0.04),
        16: (0.14, -0.04),
    }
    positions = {
        body: np.array([0.5 + c * along - s * across, s * along + c * across, 0.02])
        for body, (along, across) in places.items()
    }
    seen = spotted(dict.fromkeys(places, 60))
    view = SceneView(seen.heightmap, seen.bodies, positions, None, OCCLUSION)
    assert view.near_stroke(stroke(0.5, 0.0, angle), 0.10) == {1, 2, 3, 4}


def test_a_body_that_nobody_sees_is_not_swept() -> None:
    view = spotted({1: 60, 2: 59, 3: 0})
    assert view.near_stroke(stroke(0.45, 0.0, 0.0), 0.10) == {1}


def test_a_view_shows_heights_bodies_and_places() -> None:
    blocks = {3: Block(0.5, 0.0), 8: Block(0.51, 0.005, 0.04, 0.03, 0.03, bottom=0.035)}
    view = look_at(blocks)
    expected = np.where(blocks[8].cells, 8, np.where(blocks[3].cells, 3, look_at({}).bodies))
    np.testing.assert_array_equal(view.bodies, expected)
    assert not np.isin(look_at({}).bodies, [3, 8]).any()
    np.testing.assert_allclose(view.heightmap.height[blocks[8].cells], 0.065, atol=2e-5)
    np.testing.assert_allclose(view.heightmap.height[~blocks[8].cells & blocks[3].cells], 0.035, atol=2e-5)
    assert view.heightmap.valid.all()
    assert view.heightmap.grid == WORKSPACE
    assert list(view.positions) == [3, 8]
    np.testing.assert_allclose(view.positions[8], [0.51, 0.005, 0.05])
    assert view.taken is None
    assert view.occlusion == OCCLUSION


def test_what_has_come_into_the_bin_is_taken_once_and_leaves_the_world() -> None:
    cell = DrawnCell([{3: TARGET, 5: Block(*BIN), 6: Block(0.6, 0.0)}])
    cell.reset(0, "random")
    scenery = Scenery(cell)
    first = scenery.look()
    assert first.taken == 5
    assert cell.world.bodies == (3, 6)
    assert list(first.positions) == [3, 6]
    assert scenery.look().taken is None


def test_the_first_of_two_bodies_in_the_bin_is_the_one_taken_and_both_leave() -> None:
    cell = DrawnCell([{3: TARGET, 5: Block(*BIN), 6: Block(BIN[0] + 0.05, BIN[1])}])
    cell.reset(0, "random")
    assert Scenery(cell).look().taken == 5
    assert cell.world.bodies == (3,)


@pytest.mark.parametrize(("x", "y"), [(0.27, 0.0), (0.73, 0.0), (0.5, -0.23), (0.5, 0.23)])
def test_a_body_off_the_workspace_is_not_in_play(x: float, y: float) -> None:
    view = look_at({3: TARGET, 5: Block(x, y)})
    assert list(view.positions) == [3]
    assert view.taken is None
    assert view.focus(5) is None
