"""Play goes from scene to scene, none of which evaluation uses, and random actions have equal chances."""

from collections import Counter
from collections.abc import Iterator, Sequence

import drawn_transitions
import numpy as np
import pytest
from drawn_cells import DrawnCell, LevelNetwork, Scene

from impurity_grasp_ros.cli.benchmark import LAST_SEED
from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.learning.play import Play, PlayResult, random_action
from impurity_grasp_ros.learning.training_config import load_training
from impurity_grasp_ros.policy.agent import Action, Situation
from impurity_grasp_ros.policy.costs import CostConfig
from impurity_grasp_ros.policy.decoding import Decoded

SHIPPED = load_training("default")


class Brief(Play):
    """Every scene gives so many attempts at most."""

    def __init__(self, cell: DrawnCell, longest: int, rng: np.random.Generator | None = None) -> None:
        rng = rng or np.random.default_rng(0)
        super().__init__(cell, LevelNetwork(1.0, 0.5), 0, SHIPPED.play, SHIPPED.decoding, SHIPPED.costs, rng)
        self.asked: list[tuple[int, float]] = []
        self._longest = longest

    def _play_scene(self, attempts: int, exploration: float) -> Iterator[PlayResult]:
        self.asked.append((attempts, exploration))
        for _ in range(min(attempts, self._longest)):
            yield PlayResult(PrimitiveKind.PUSH, False, False, ())


def played(attempts: int, longest: int = 99, scenes: Sequence[Scene | None] = ({},)) -> tuple[Brief, DrawnCell]:
    """Play of so many attempts in these scenes."""
    cell = DrawnCell(scenes)
    play = Brief(cell, longest)
    assert len(list(play.play(attempts, 0.25))) == attempts
    return play, cell


def test_a_scene_is_played_for_twelve_attempts_at_most() -> None:
    play, cell = played(25)
    assert play.asked == [(12, 0.25), (12, 0.25), (1, 0.25)]
    assert len(cell.resets) == 3


def test_a_scene_that_ends_early_is_followed_by_another() -> None:
    play, cell = played(5, longest=2)
    assert [attempts for attempts, _ in play.asked] == [5, 3, 1]
    assert len(cell.resets) == 3


def test_no_attempts_need_no_scene() -> None:
    play, cell = played(0)
    assert (play.asked, cell.resets) == ([], [])


class Lowest(np.random.Generator):
    """Draws the lowest integer that it may."""

    def integers(self, low: int, high: int) -> int:  # type: ignore[override]
        """The first of those from ``low`` to before ``high``."""
        return low


class Highest(np.random.Generator):
    """Draws the highest integer that it may."""

    def integers(self, low: int, high: int) -> int:  # type: ignore[override]
        """The last of those from ``low`` to before ``high``."""
        return high - 1


@pytest.mark.parametrize(("kind", "seed"), [(Lowest, 1_000_000), (Highest, 2**31 - 1)])
def test_training_never_sees_a_scene_of_evaluation(kind: type[np.random.Generator], seed: int) -> None:
    cell = DrawnCell([{}])
    list(Brief(cell, 1, kind(np.random.PCG64(0))).play(1, 0.0))
    assert [drawn for drawn, _ in cell.resets] == [seed]
    assert LAST_SEED == 999_999, "of evaluation"


def test_every_scene_has_another_seed_out_of_the_whole_range() -> None:
    _, cell = played(600, longest=1)
    seeds = np.array([seed for seed, _ in cell.resets])
    assert len(set(seeds.tolist())) == 600
    assert (seeds < 2**30).mean() == pytest.approx(0.5, abs=0.06)


def test_scenes_are_played_as_often_as_their_shares_say() -> None:
    _, cell = played(1100, longest=1)
    counts = Counter(name for _, name in cell.resets)
    shares = {
        "random": 200, "challenging": 200, "invisible": 300, "border": 60, "large": 80, "stacks": 60, "few": 40,
        "training": 160,
    }  # fmt: skip
    assert counts == {name: pytest.approx(number, abs=40) for name, number in shares.items()}


def test_a_scene_that_does_not_settle_is_replaced_by_another() -> None:
    play, cell = played(1, scenes=[None, None, {}])
    assert len(cell.resets) == 3
    assert len({seed for seed, _ in cell.resets}) == 3
    assert len(play.asked) == 1


def test_equal_seeds_give_equal_scenes() -> None:
    resets = []
    for seed in (4, 4, 5):
        cell = DrawnCell([{}])
        list(Brief(cell, 1, np.random.default_rng(seed)).play(6, 0.0))
        resets.append(cell.resets)
    assert resets[0] == resets[1] != resets[2]


Pixels = dict[tuple[PrimitiveKind, int], list[tuple[int, int]]]


def situation(pixels: Pixels) -> Situation:
    """One in which only these pixels of these primitives and rotations are feasible."""
    nothing = np.zeros((160, 160), np.float32)
    options = []
    for kind in (PrimitiveKind.GRASP, PrimitiveKind.PUSH):
        decoded = []
        for rotation in range(16):
            feasible = np.zeros((160, 160), np.bool_)
            for row, column in pixels.get((kind, rotation), []):
                feasible[row, column] = True
            decoded.append(Decoded(feasible, nothing, nothing, np.zeros((160, 160))))
        options.append(tuple(decoded))
    crop = drawn_transitions.focus(np.random.default_rng(0)).crop
    state = np.zeros((112, 112, 8), np.float32)
    return Situation(crop, state, (options[0], options[1]), CostConfig(0.0, 0.0, 0.0))


def test_a_primitive_a_rotation_and_a_pixel_are_drawn_with_equal_chances_each() -> None:
    many = [(row, 7) for row in range(50)]
    options = situation(
        {
            (PrimitiveKind.GRASP, 3): [(20, 90)],
            (PrimitiveKind.PUSH, 5): many,
            (PrimitiveKind.PUSH, 15): [(1, 2), (100, 150)],
        }
    )
    rng = np.random.default_rng(0)
    drawn = Counter(random_action(options, rng) for _ in range(400))
    assert drawn[Action(PrimitiveKind.GRASP, 3, 20, 90)] == pytest.approx(200, abs=30), "half, though it is one of 53"
    rare = [drawn[Action(PrimitiveKind.PUSH, 15, row, column)] for row, column in ((1, 2), (100, 150))]
    assert rare == pytest.approx([50, 50], abs=20)
    others = {action for action in drawn if action is not None and (action.kind, action.rotation) == (1, 5)}
    assert others <= {Action(PrimitiveKind.PUSH, 5, row, 7) for row in range(50)}
    assert len(others) > 30
    assert sum(drawn[action] for action in others) == 400 - drawn[Action(PrimitiveKind.GRASP, 3, 20, 90)] - sum(rare)


@pytest.mark.parametrize("kind", [PrimitiveKind.GRASP, PrimitiveKind.PUSH])
def test_the_only_feasible_action_is_the_one_that_is_drawn(kind: PrimitiveKind) -> None:
    action = random_action(situation({(kind, 11): [(80, 3)]}), np.random.default_rng(0))
    assert action == Action(kind, 11, 80, 3)
    assert action is not None
    assert isinstance(action.kind, PrimitiveKind)
    assert {type(value) for value in (action.rotation, action.row, action.column)} == {int}


def test_where_nothing_is_feasible_nothing_is_drawn() -> None:
    assert random_action(situation({}), np.random.default_rng(0)) is None
