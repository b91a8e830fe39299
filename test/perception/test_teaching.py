"""Teaching by showing: what is learned of which objects, and what it takes to be understood."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tiny_objects import BLUE, BROWN, GREEN, SIDE, TAN, Block, ColorNetwork, objects_mode, row_of, view, write_tiny

from impurity_grasp_ros.errors import CheckpointError, ConfigError, InvalidFrameError, InvalidGoalError
from impurity_grasp_ros.perception import odd_objects as objects_module
from impurity_grasp_ros.perception.attention import attend
from impurity_grasp_ros.perception.odd_objects import ObjectsMemory
from impurity_grasp_ros.perception.ordinary_model import MAX_OBJECTS
from impurity_grasp_ros.perception.teaching import MAX_SHOWN, REACH, Teacher, What, object_at

NETWORK = ColorNetwork()
CONFIG = objects_mode()


@pytest.fixture(autouse=True)
def color_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that tells colors apart in place of the trained one."""
    monkeypatch.setattr(objects_module, "load_object_network", lambda path: NETWORK)


@pytest.fixture
def teacher() -> Teacher:
    return Teacher.begin(CONFIG.objects)


def colors(vectors: np.ndarray) -> list[tuple[int, int, int]]:
    """The colors that vectors of the network describe."""
    return [tuple(row) for row in np.rint((vectors[:, :3] + 0.5) * 255).astype(int).tolist()]


def test_all_objects_in_view_are_ordinary_unless_something_else_is_said(teacher: Teacher) -> None:
    after = teacher.shown(view(row_of(BROWN, TAN, BROWN)), CONFIG)
    assert sorted(colors(after.ordinary)) == sorted([BROWN, TAN, BROWN])
    assert (after.ordinary_shown, after.odd_shown, len(after.odd)) == (3, 0, 0)


def test_all_objects_in_view_may_be_odd(teacher: Teacher) -> None:
    after = teacher.shown(view(row_of(BLUE, GREEN)), CONFIG, What.ODD)
    assert colors(after.odd) == [BLUE, GREEN]
    assert (after.ordinary_shown, after.odd_shown) == (0, 2)
    assert after.model() is None


@pytest.mark.parametrize(
    ("what", "ordinary", "odd"),
    [(What.ODD, [BROWN, TAN], [BLUE, GREEN]), (What.ORDINARY, [BLUE, GREEN], [])],
)
def test_points_say_which_objects_are_meant(
    teacher: Teacher, what: What, ordinary: list[object], odd: list[object]
) -> None:
    blocks = row_of(BROWN, BLUE, TAN, GREEN)
    after = teacher.shown(view(blocks), CONFIG, what, [blocks[3].center, blocks[1].center, blocks[1].center])
    assert colors(after.ordinary) == ordinary
    assert colors(after.odd) == odd
    assert (after.ordinary_shown, after.odd_shown) == (len(ordinary), len(odd))


def test_views_add_up_and_a_teacher_never_changes(teacher: Teacher) -> None:
    one = teacher.shown(view(row_of(BROWN)), CONFIG)
    two = one.shown(view(row_of(TAN, BROWN)), CONFIG).shown(view(row_of(BLUE)), CONFIG, What.ODD)
    assert (teacher.ordinary_shown, one.ordinary_shown, two.ordinary_shown, two.odd_shown) == (0, 1, 3, 1)
    assert colors(two.ordinary) == [BROWN, TAN, BROWN]
    model = two.model()
    assert model is not None
    assert model.taught
    assert model.first_odd.tolist() == [False, False, False, True]


def test_what_was_taught_can_begin_a_job_without_any_file(teacher: Teacher) -> None:
    model = teacher.shown(view(row_of(BROWN, TAN)), CONFIG).model()
    assert model is not None
    blocks = row_of(BLUE, GREEN, BROWN)
    _, memory = attend(view(blocks), ObjectsMemory(model), CONFIG)
    assert [item.odd > 0.5 for item in memory.objects] == [True, True, False]


def test_a_file_goes_on_where_it_was_written(teacher: Teacher, tmp_path: Path) -> None:
    blocks, path = row_of(BROWN, BLUE), tmp_path / "goods.json"
    taught = teacher.shown(view(blocks), CONFIG, What.ODD, [blocks[1].center])
    taught.save(path)
    resumed = Teacher.resume(replace(CONFIG.objects, ordinary_model=str(path)))
    assert (resumed.ordinary_shown, resumed.odd_shown) == (1, 1)
    np.testing.assert_allclose(resumed.ordinary, taught.ordinary, atol=1e-3)
    np.testing.assert_allclose(resumed.odd, taught.odd, atol=1e-3)
    assert Teacher.resume(CONFIG.objects).ordinary_shown == 0


def test_without_an_ordinary_object_there_is_nothing_to_write(teacher: Teacher, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="at least one ordinary object"):
        teacher.shown(view(row_of(BLUE)), CONFIG, What.ODD).save(tmp_path / "goods.json")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("offset", [(0.0, 0.0), (-SIDE / 2 - 1.5, 0.0), (0.0, SIDE / 2 + 1.5)])
def test_a_point_means_the_object_there_or_close_by(offset: tuple[float, float]) -> None:
    labels = np.full((224, 224), -1, np.int64)
    block = Block(50, 80)
    labels[block.cells], labels[Block(50, 120).cells] = 7, 9
    heightmap = view([])
    x, y = block.center
    point = x + 0.002 * offset[1], y + 0.002 * offset[0]
    assert object_at(labels, heightmap.grid, point) == 7


def test_a_point_beside_all_objects_is_refused_with_the_distance(teacher: Teacher) -> None:
    block = Block(50, 80)
    x, y = block.center
    beside = x, y + 0.018 - 0.001 + REACH + 0.002
    with pytest.raises(
        InvalidGoalError, match=re.escape(f"expected an object at ({beside[0]:.3f}, {beside[1]:.3f}) m")
    ):
        teacher.shown(view([block]), CONFIG, What.ODD, [block.center, beside])


@pytest.mark.parametrize("point", [(math.nan, 0.0), (0.5, math.inf)])
def test_a_point_that_is_no_place_is_refused(teacher: Teacher, point: tuple[float, float]) -> None:
    with pytest.raises(InvalidGoalError, match="expected points of finite numbers"):
        teacher.shown(view(row_of(BROWN)), CONFIG, What.ODD, [point])


def test_an_empty_table_teaches_nothing_and_says_so(teacher: Teacher) -> None:
    with pytest.raises(InvalidGoalError, match="expected objects in view to learn from, received a view with none"):
        teacher.shown(view([]), CONFIG)


def test_a_view_without_fine_color_is_an_invalid_frame(teacher: Teacher) -> None:
    with pytest.raises(InvalidFrameError, match="fine_color"):
        teacher.shown(replace(view(row_of(BROWN)), fine_color=None), CONFIG)


def test_a_line_may_teach_all_day() -> None:
    start = Teacher.begin(CONFIG.objects)
    many = np.random.default_rng(0).normal(size=(MAX_SHOWN + 40, 19)).astype(np.float32)
    after = start._with(many, many[:0])
    assert (len(after.ordinary), after.ordinary_shown) == (MAX_SHOWN, MAX_SHOWN + 40)
    model = after.model()
    assert model is not None
    assert len(model.first) == MAX_OBJECTS


def test_weights_that_cannot_be_used_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    own = Teacher.begin(objects_mode(write_tiny(tmp_path / "own.safetensors")).objects)
    assert own.ordinary.shape == (0, 19)
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        Teacher.begin(objects_mode(tmp_path / "nowhere.safetensors").objects)
