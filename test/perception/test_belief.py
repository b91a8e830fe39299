"""What earlier views and actions tell about hidden objects."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import BLUE, GRID, Block, draw

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
)
from impurity_grasp_ros.errors import ViewIncompleteError
from impurity_grasp_ros.perception import hidden_objects
from impurity_grasp_ros.perception.attention import AttentionConfig
from impurity_grasp_ros.perception.belief import Belief, doubted
from impurity_grasp_ros.perception.job_attention import JobAttention
from impurity_grasp_ros.perception.moved_pieces import Followed, follow

CONFIG = packaged_parameters("attention_node", AttentionConfig)
HIDDEN = CONFIG.hidden
LEVEL = CONFIG.occlusion.min_object_height

PUSHED = Attempt(Primitive.push((0.4, -0.1, 0.01), 0.0), Outcome(OutcomeStatus.PUSHED, 0.0, 1.0, ""))
BLOCK = Block(60, 60, height=0.06, size_px=(24, 40))
PILE = [BLOCK, Block(66, 74, height=0.09)]


def moved(row: float, column: float, status: OutcomeStatus = OutcomeStatus.MOVED) -> Attempt:
    place = GRID.to_meters(row, column)
    return Attempt(Primitive.move((0.5, 0.0, 0.05), 0.0, place), Outcome(status, 0.03, 6.0, ""))


def followed(before: Sequence[Block], after: Sequence[Block]) -> list[Followed]:
    return list(follow(draw(before), draw(after), LEVEL))


@pytest.mark.parametrize("angle", [0.0, 17.0, 38.0, -64.0])
@pytest.mark.parametrize("blocks", [[BLOCK], PILE])
def test_what_moves_as_one_is_found_again_wherever_it_is_and_however_it_is_turned(
    blocks: list[Block], angle: float
) -> None:
    cosine, sine = np.cos(np.radians(angle)), np.sin(np.radians(angle))
    there = [
        replace(
            block,
            row=120 + cosine * (block.row - 60) - sine * (block.column - 60),
            column=140 + sine * (block.row - 60) + cosine * (block.column - 60),
            angle_deg=block.angle_deg - angle,
        )
        for block in blocks
    ]
    (piece,) = followed(blocks, there)
    assert piece.moved
    np.testing.assert_array_equal(piece.before, draw(blocks).height > 0.0)
    np.testing.assert_array_equal(piece.after, draw(there).height > 0.0)


def test_what_stays_is_followed_and_has_not_moved() -> None:
    (piece,) = followed(PILE, PILE)
    assert not piece.moved


def test_what_is_seen_from_another_side_has_not_moved() -> None:
    (piece,) = followed([BLOCK], [replace(BLOCK, row=61, column=62, size_px=(24, 42))])
    assert not piece.moved


def test_of_equal_pieces_those_that_stay_have_not_moved() -> None:
    there = [replace(BLOCK, row=row) for row in (60, 100, 140)]
    found = followed(there, [*there[1:], replace(BLOCK, row=180)])
    rows = {float(np.argwhere(piece.before).mean(axis=0)[0]): piece.moved for piece in found}
    assert rows == {59.5: True, 99.5: False, 139.5: False}


@pytest.mark.parametrize(
    "after",
    [
        [replace(BLOCK, row=120, height=0.05)],
        [replace(BLOCK, row=120, size_px=(24, 56))],
        [replace(BLOCK, row=120, size_px=(31, 31))],
        [replace(BLOCK, row=120), Block(132, 66, height=0.03)],
        [],
    ],
    ids=["lower", "longer", "other outline", "merged", "taken"],
)
def test_what_looks_otherwise_is_not_followed(after: list[Block]) -> None:
    assert followed([BLOCK], after) == []


def test_a_pile_that_falls_apart_is_not_followed() -> None:
    assert followed(PILE, [replace(BLOCK, row=110), Block(150, 74, height=0.03)]) == []


def expected(number: float, block: Block) -> np.ndarray:
    """So many hidden objects expected on the cells of a block."""
    cells = block.cells
    return np.where(cells, number / cells.sum(), 0.0).astype(np.float32)


def test_the_odds_of_a_known_piece_are_multiplied() -> None:
    other = Block(160, 160)
    numbers, view = expected(0.5, BLOCK) + expected(0.3, other), draw([BLOCK, other])
    corrected = Belief(odds=where(BLOCK, 0.1)).applied(numbers, view, HIDDEN, LEVEL)
    assert corrected[BLOCK.cells].sum() == pytest.approx(0.062855, abs=1e-5)  # log(1 + 0.1 (e^0.5 - 1))
    assert corrected[other.cells].sum() == pytest.approx(0.3, abs=1e-5)
    np.testing.assert_allclose(Belief().applied(numbers, view, HIDDEN, LEVEL), numbers, rtol=1e-6)


def test_a_piece_of_which_only_a_part_is_known_may_hide_as_much_as_before() -> None:
    numbers = expected(0.5, BLOCK)
    known = Belief(odds=where(BLOCK, 0.1))
    np.testing.assert_allclose(known.applied(numbers, draw(PILE), HIDDEN, LEVEL), numbers, rtol=1e-6)


def test_what_was_pushed_in_vain_hides_less_than_what_was_not() -> None:
    other = Block(160, 160)
    numbers, view = expected(0.5, BLOCK) + expected(0.3, other), draw([BLOCK, other])
    pushed = Belief(pushes=where(BLOCK, 2, 0).astype(np.int64))
    corrected = pushed.applied(numbers, view, HIDDEN, LEVEL)
    assert corrected[BLOCK.cells].sum() == pytest.approx(0.276012, abs=1e-5)  # log(1 + 0.7^2 (e^0.5 - 1))
    assert corrected[other.cells].sum() == pytest.approx(0.3, abs=1e-5)


def test_what_was_pushed_in_part_is_doubted_where_something_is_expected() -> None:
    left = replace(BLOCK, column=50, size_px=(24, 20))
    pushed = Belief(pushes=where(left, 1, 0).astype(np.int64))
    right = replace(BLOCK, column=70, size_px=(24, 20))
    factors = [pushed.doubt(BLOCK.cells, expected(1.0, part), HIDDEN) for part in (left, right, BLOCK)]
    assert factors == pytest.approx([0.7, 1.0, 0.85], abs=1e-5)


@pytest.mark.parametrize(
    ("number", "factor", "result"),
    [(0.0, 0.3, 0.0), (0.5, 0.1, 0.062855), (0.5, 1.0, 0.5), (0.5, 0.0, 0.0), (1000.0, 0.1, 997.697415)],
)
def test_odds_of_any_size_can_be_multiplied(number: float, factor: float, result: float) -> None:
    assert doubted(number, factor) == pytest.approx(result, abs=1e-6)


def test_any_number_of_pushes_can_be_counted() -> None:
    numbers = expected(5.0, BLOCK)
    pushed = Belief(pushes=np.full((224, 224), 100000))
    assert pushed.applied(numbers, draw([BLOCK]), HIDDEN, LEVEL).sum() == pytest.approx(0.0, abs=1e-6)


def seen(state: AttentionState = AttentionState.CANDIDATE, odd: tuple[float, float] | None = None) -> Attention:
    crop, mask = draw([]).window(0, 0, 112), np.ones((112, 112), np.bool_)
    return Attention(state, GRID.middle, crop, mask, 0.0, (), np.zeros((224, 224), np.float32), odd=odd)


def where(block: Block, value: float, elsewhere: float = 1.0) -> np.ndarray:
    """A value on the cells of a block."""
    return np.where(block.cells, value, elsewhere).astype(np.float32)


def after(belief: Belief, attempt: Attempt, before: Sequence[Block], later: Sequence[Block]) -> Belief:
    return belief.after(attempt, seen(), (draw(before), draw(later)), HIDDEN, LEVEL)


def odds_of(belief: Belief, block: Block) -> float:
    assert belief.odds is not None
    (value,) = np.unique(belief.odds[block.cells])
    return float(value)


def test_what_was_pushed_and_moved_as_one_counts_once() -> None:
    places = [replace(BLOCK, row=row) for row in (60, 100, 140)]
    belief = after(Belief(), PUSHED, places[:1], places[1:2])
    assert odds_of(belief, places[1]) == pytest.approx(0.1)
    belief = after(belief, PUSHED, places[1:2], places[2:])
    assert odds_of(belief, places[2]) == pytest.approx(0.1)
    assert belief.odds is not None
    assert belief.odds[places[1].cells & ~places[2].cells].min() == 1.0


def test_what_stays_beside_a_push_is_not_known() -> None:
    belief = after(Belief(), PUSHED, [BLOCK, Block(160, 160)], [BLOCK, Block(160, 130)])
    assert odds_of(belief, BLOCK) == 1.0


def test_what_was_put_down_stays_known_until_it_changes() -> None:
    there, pile = replace(BLOCK, row=150, column=150), Block(60, 60, height=0.03, size_px=(24, 40))
    belief = after(Belief(), moved(150, 150), PILE, [pile, there])
    assert odds_of(belief, there) == pytest.approx(0.02)
    assert odds_of(belief, pile) == 1.0
    belief = after(belief, PUSHED, [pile, there], [replace(pile, row=40), there])
    assert odds_of(belief, there) == pytest.approx(0.02)
    farther = replace(there, column=110, angle_deg=25.0)
    belief = after(belief, PUSHED, [there], [farther])
    assert odds_of(belief, farther) == pytest.approx(0.02)
    belief = after(belief, PUSHED, [farther], [farther, replace(farther, row=166, height=0.04)])
    assert odds_of(belief, farther) == 1.0, "something lies on it or beside it"


@pytest.mark.parametrize("status", [OutcomeStatus.DROPPED, OutcomeStatus.EMPTY])
def test_what_was_not_put_down_is_not_known(status: OutcomeStatus) -> None:
    there = replace(BLOCK, row=150, column=150)
    assert odds_of(after(Belief(), moved(150, 150, status), PILE, [there]), there) == 1.0


@pytest.mark.parametrize(("row", "column"), [(150, 200), (-40, 300)])
def test_what_is_not_found_where_it_was_put_down_is_not_known(row: float, column: float) -> None:
    there = replace(BLOCK, row=150, column=150)
    assert odds_of(after(Belief(), moved(row, column), PILE, [there]), there) == 1.0


def test_views_with_other_cells_are_not_compared() -> None:
    view = draw([BLOCK])
    finer = replace(view, grid=Grid(GRID.x_min, GRID.y_min, GRID.rows, GRID.columns, 0.0015))
    belief = Belief(np.ones((224, 224), np.int64), where(BLOCK, 0.1))
    belief = belief.after(PUSHED, seen(), (view, finer), HIDDEN, LEVEL)
    assert belief.pushes is None
    assert belief.odds is None


def pushes_at(belief: Belief, x: float, y: float) -> int:
    assert belief.pushes is not None
    row, column = (round(value) for value in GRID.to_cell(x, y))
    return int(belief.pushes[row, column])


@pytest.mark.parametrize(
    ("x", "y", "near"),
    [
        (0.50, 0.00, True),
        (0.44, 0.00, True),
        (0.42, 0.00, False),
        (0.55, 0.06, True),
        (0.55, 0.08, False),
        (0.55, -0.06, True),
        (0.65, 0.00, True),
        (0.68, 0.00, False),
    ],
)
@pytest.mark.parametrize("angle", [0.0, 2.2])
def test_a_push_of_a_candidate_counts_within_7_cm_of_its_stroke(x: float, y: float, near: bool, angle: float) -> None:
    view = draw([BLOCK])
    push = Primitive.push((0.5, 0.0, 0.01), angle, length=0.1)
    attempt = Attempt(push, PUSHED.outcome)
    belief = Belief().after(attempt, seen(), (view, view), HIDDEN, LEVEL)
    ahead, cosine, sine = x - 0.5, np.cos(angle), np.sin(angle)
    assert pushes_at(belief, 0.5 + cosine * ahead - sine * y, sine * ahead + cosine * y) == near


@pytest.mark.parametrize(
    ("state", "attempt", "count"),
    [
        (AttentionState.CANDIDATE, PUSHED, 4),
        (AttentionState.CANDIDATE, moved(150, 150), 3),
        (AttentionState.TARGET, PUSHED, 0),
    ],
)
def test_pushes_of_candidates_are_counted_until_a_target_is_acted_on(
    state: AttentionState, attempt: Attempt, count: int
) -> None:
    view = draw([BLOCK])
    belief = Belief(np.full((224, 224), 3)).after(attempt, seen(state), (view, view), HIDDEN, LEVEL)
    assert pushes_at(belief, 0.4, -0.1) == count


class Job:
    """A job in which so many hidden objects are expected wherever something is higher than 5 cm."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, number: float) -> None:
        monkeypatch.setattr(hidden_objects, "network_of", lambda _config: None)
        monkeypatch.setattr(hidden_objects, "expected_objects", self._expected)
        self._number = number
        self._attention = JobAttention()
        self.config = CONFIG

    def _expected(self, heightmap: Heightmap, _network: None) -> np.ndarray:
        high = heightmap.height > 0.05
        return np.where(high, self._number / max(high.sum(), 1), 0.0).astype(np.float32)

    def state(self, blocks: Sequence[Block], last: Attempt | None = None, unseen: bool = False) -> AttentionState:
        view = draw(blocks)
        if unseen:
            view.valid[160:190, 160:190] = False
        return self._attention.attend(view, last, self.config).state


LOW = [Block(30 + 40 * index, 200) for index in range(4)]


def test_a_block_that_was_put_down_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    job, there = Job(monkeypatch, 0.5), replace(BLOCK, row=150, column=120)
    assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE
    assert job.state([there, *LOW], moved(150, 120)) is AttentionState.CLEAR


def test_a_block_that_was_pushed_as_one_is_left_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    job, there = Job(monkeypatch, 0.4), replace(BLOCK, row=100, angle_deg=20.0)
    assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE
    assert job.state([there, *LOW], PUSHED) is AttentionState.CLEAR


def test_an_action_counts_once_and_not_in_a_view_that_was_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(monkeypatch, 0.069)  # 1.03 %; 0.73 % after one push, where the limit is 1 %
    assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE
    for _ in range(3):
        assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE, "nothing was done"
    with pytest.raises(ViewIncompleteError):
        job.state([BLOCK, *LOW], PUSHED, unseen=True)
    assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE, "the push was not counted in the refused view"
    assert job.state([BLOCK, *LOW], PUSHED) is AttentionState.CLEAR


@pytest.mark.parametrize(
    ("attempt", "missing"),
    [
        (PUSHED, (0.4, -0.1)),
        (moved(150, 150), (0.4, -0.1)),
        (Attempt(Primitive.grasp((0.4, -0.1, 0.01), 0.0), Outcome(OutcomeStatus.EMPTY, 0.0, 4.0, "")), (0.4, -0.1)),
        (Attempt(Primitive.grasp((0.4, -0.1, 0.01), 0.0), Outcome(OutcomeStatus.HELD, 0.03, 4.0, "")), None),
    ],
)
@pytest.mark.parametrize("earlier", [True, False])
def test_a_target_is_missing_until_something_is_picked(
    attempt: Attempt, missing: tuple[float, float] | None, earlier: bool
) -> None:
    view = draw([BLOCK])
    place = (0.4, -0.1)
    belief = Belief(missing=place if earlier else (0.6, 0.1))
    belief = belief.after(attempt, seen(odd=None if earlier else place), (view, view), HIDDEN, LEVEL)
    assert belief.missing == missing


def test_a_target_that_a_push_covers_is_searched_until_seven_more_pushes_show_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    job, target = Job(monkeypatch, 0.0), replace(BLOCK, height=0.03, color=BLUE)
    pile = [replace(BLOCK, height=0.04), *LOW]
    assert job.state([target, *LOW]) is AttentionState.TARGET
    states = [job.state(pile, PUSHED) for _ in range(8)]
    assert states == [AttentionState.CANDIDATE] * 7 + [AttentionState.CLEAR]


def test_a_target_that_was_picked_is_not_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    job, target = Job(monkeypatch, 0.0), replace(BLOCK, height=0.03, color=BLUE)
    picked = Attempt(Primitive.grasp((0.4, -0.1, 0.01), 0.0), Outcome(OutcomeStatus.HELD, 0.03, 4.0, ""))
    assert job.state([target, *LOW]) is AttentionState.TARGET
    assert job.state(LOW, picked) is AttentionState.CLEAR


def test_where_nothing_is_near_nothing_is_searched(monkeypatch: pytest.MonkeyPatch) -> None:
    job, target = Job(monkeypatch, 0.0), Block(160, 60).painted(BLUE)
    far = [block for block in LOW if block.row < 100]
    assert job.state([target, *far, BLOCK]) is AttentionState.TARGET
    assert job.state([*far, BLOCK], PUSHED) is AttentionState.CLEAR


def test_a_target_in_view_is_acted_on_whatever_is_believed(monkeypatch: pytest.MonkeyPatch) -> None:
    job = Job(monkeypatch, 0.5)
    assert job.state([BLOCK, *LOW]) is AttentionState.CANDIDATE
    assert job.state([replace(BLOCK, row=100), Block(160, 60).painted(BLUE), *LOW], PUSHED) is AttentionState.TARGET
