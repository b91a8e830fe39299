"""The judged actor takes the action with which the target is in the bin soonest, lost product included."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import pytest
import torch
from drawn_tables import MIDDLE, Block, attempts, on_heap, on_target, table, visible
from grippers import GRIPPER
from shipped_policy import ANALYTIC, COSTS, DECODING, POLICY, FixedNetwork
from torch import Tensor

from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap, OutcomeStatus, Primitive, PrimitiveKind
from impurity_grasp_ros.errors import NoPrimitiveError
from impurity_grasp_ros.policy.agent import QAgent
from impurity_grasp_ros.policy.history import is_similar
from impurity_grasp_ros.policy.judge_network import JudgeNetwork, JudgeNetworkConfig
from impurity_grasp_ros.policy.judged import JudgedAgent
from impurity_grasp_ros.policy.judged_config import JudgedConfig
from impurity_grasp_ros.protocols import Foreseen

CONFIG = JudgedConfig(
    "", 6, 6, refine=False, failure_actions=2.0, product_actions=3.0, aside_after=0, think=0.0, doubt=0.5
)
TARGET = Block(length=0.05, width=0.034)
HEIGHTMAP = table(TARGET)
ATTENTION = on_target(HEIGHTMAP, TARGET.cells)


class FixedJudge(JudgeNetwork):
    """The same success and company for all actions of a role; those along the target's sides are a little surer."""

    def __init__(self, success: tuple[float, float, float], company: tuple[float, float, float]) -> None:
        super().__init__(JudgeNetworkConfig((4, 4), 4, 0.0))
        self.success = torch.logit(torch.tensor(success))
        self.company = torch.log(torch.tensor(company))

    def forward(self, patches: Tensor, numbers: Tensor, roles: Tensor) -> tuple[Tensor, Tensor]:
        oblique = []
        for mask in patches[:, 5]:
            rows, columns = (axis.float() for axis in torch.nonzero(mask, as_tuple=True))
            oblique.append(float(((rows - rows.mean()) * (columns - columns.mean())).mean().abs()))
        return self.success[roles] - 0.01 * torch.tensor(oblique), self.company[roles]


def actor(
    grasp: float = 0.9,
    push: float = 0.9,
    company: tuple[float, float] = (1e-3, 1e-3),
    search: float = 0.7,
    **changes: object,
) -> JudgedAgent:
    judge = FixedJudge((grasp, push, search), (*company, 1e-3))
    proposer = QAgent(FixedNetwork(1.0, 0.5), GRIPPER, DECODING, COSTS)
    return JudgedAgent(proposer, judge, replace(CONFIG, **changes), ANALYTIC.grasp)  # type: ignore[arg-type]


def decide(agent: JudgedAgent, history: list[Attempt] | None = None) -> Primitive:
    return agent.select(HEIGHTMAP, ATTENTION, history or [])


def test_a_push_is_worth_an_action_only_before_a_grasp_that_would_often_fail() -> None:
    """A failure costs two more actions: 1 + 2 (1 - p) for a grasp, 2 + 2 (1 - p) for a push."""
    assert decide(actor(grasp=0.55, push=0.99)).kind is PrimitiveKind.GRASP
    assert decide(actor(grasp=0.45, push=0.99)).kind is PrimitiveKind.PUSH
    assert decide(actor(grasp=0.45, push=0.9)).kind is PrimitiveKind.GRASP


def test_the_value_is_minus_the_expected_number_of_actions() -> None:
    assert decide(actor(grasp=0.8)).q_value == pytest.approx(-(1.0 + 0.2 * 2.0 + 3e-3), abs=0.01)
    assert decide(actor(grasp=0.1, push=0.9)).q_value == pytest.approx(-(2.0 + 0.1 * 2.0 + 3e-3), abs=0.01)


def test_a_lost_ordinary_object_is_worth_three_actions() -> None:
    assert decide(actor(company=(0.3, 1e-3))).kind is PrimitiveKind.GRASP
    assert decide(actor(company=(0.36, 1e-3))).kind is PrimitiveKind.PUSH
    assert decide(actor(company=(0.36, 0.2))).kind is PrimitiveKind.GRASP
    assert decide(actor(company=(0.36, 1e-3), product_actions=0.0)).kind is PrimitiveKind.GRASP


def test_grasps_are_doubted_after_each_one_that_failed_and_not_repeated() -> None:
    history: list[Attempt] = []
    first = decide(actor(grasp=0.9, push=0.6))
    assert first.kind is PrimitiveKind.GRASP
    history += attempts([first], OutcomeStatus.EMPTY)
    assert decide(actor(grasp=0.9, push=0.6), history).kind is PrimitiveKind.GRASP, "0.45 and 0.6"
    assert not is_similar(decide(actor(grasp=0.9, push=0.6), history), first)
    history += attempts([decide(actor(grasp=0.9, push=0.6), history)], OutcomeStatus.EMPTY)
    assert decide(actor(grasp=0.9, push=0.8), history).kind is PrimitiveKind.PUSH, "0.225 and 0.8"
    pushed = history + attempts([decide(actor(grasp=0.9, push=0.8), history)], OutcomeStatus.PUSHED)
    assert decide(actor(grasp=0.9, push=0.8), pushed).kind is PrimitiveKind.GRASP, "the scene is another one"
    held = history + attempts([first], OutcomeStatus.HELD)
    assert decide(actor(grasp=0.9, push=0.8), held).kind is PrimitiveKind.GRASP


def test_a_pile_is_only_pushed_and_the_value_is_that_of_the_search() -> None:
    push = actor(grasp=0.99).select(HEIGHTMAP, on_heap(HEIGHTMAP, MIDDLE), [])
    assert push.kind is PrimitiveKind.PUSH
    assert push.q_value == pytest.approx(-(1.0 + 0.3 * 2.0), abs=0.01)
    second = actor(grasp=0.99).select(HEIGHTMAP, on_heap(HEIGHTMAP, MIDDLE), attempts([push], OutcomeStatus.PUSHED))
    assert not is_similar(push, second)


def test_refinement_finds_a_grasp_that_fits_better_between_the_16_rotations() -> None:
    """The target lies at 0.3 rad, 0.093 rad from the nearest rotation."""
    target = replace(TARGET, angle=0.3)
    heightmap = table(target)
    attention = on_target(heightmap, target.cells)
    coarse = actor().select(heightmap, attention, [])
    fine = actor(refine=True).select(heightmap, attention, [])
    off = [abs((grasp.angle - 0.3 + 0.785398) % 1.570796 - 0.785398) for grasp in (coarse, fine)]
    assert off[0] == pytest.approx(0.0927, abs=1e-3)
    assert off[1] < 0.05
    assert fine.q_value > coarse.q_value


def test_with_nothing_left_to_do_it_says_so() -> None:
    heightmap = table()
    with pytest.raises(NoPrimitiveError, match="found no action"):
        actor().select(heightmap, on_heap(heightmap, MIDDLE), [])


def test_the_shipped_parameters_are_of_this_kind() -> None:
    assert isinstance(POLICY.judged, JudgedConfig)


PILE = table(Block(length=0.06, width=0.05, height=0.03), Block(length=0.044, width=0.034, height=0.055))
HEAP = on_heap(PILE, MIDDLE)


def test_the_top_of_a_pile_is_put_aside_after_as_many_pushes_in_vain_as_asked() -> None:
    push = actor(aside_after=1).select(PILE, HEAP, [])
    assert push.kind is PrimitiveKind.PUSH
    history = attempts([push], OutcomeStatus.PUSHED)
    assert actor(aside_after=1).select(PILE, HEAP, history).kind is PrimitiveKind.MOVE
    assert actor(aside_after=2).select(PILE, HEAP, history).kind is PrimitiveKind.PUSH
    assert actor(aside_after=0).select(PILE, HEAP, history).kind is PrimitiveKind.PUSH
    moved = history + attempts([actor(aside_after=1).select(PILE, HEAP, history)], OutcomeStatus.MOVED)
    assert actor(aside_after=1).select(PILE, HEAP, moved).kind is PrimitiveKind.PUSH


def test_the_top_of_a_pile_is_put_aside_at_once_where_pushes_show_little() -> None:
    """A move, and a look at what was below, take as long as 1.8 actions; a push that shows it in 60 % of cases, too."""
    assert actor(search=0.65, aside_after=1).select(PILE, HEAP, []).kind is PrimitiveKind.PUSH
    move = actor(search=0.55, aside_after=1).select(PILE, HEAP, [])
    assert move.kind is PrimitiveKind.MOVE
    assert move.q_value == pytest.approx(-1.8)
    assert actor(search=0.1, aside_after=0).select(PILE, HEAP, []).kind is PrimitiveKind.PUSH


def test_what_covers_a_target_is_put_aside_where_everything_else_takes_longer() -> None:
    """A move and a grasp take as long as 2.7 actions."""
    target = Block(length=0.06, width=0.05, height=0.03)
    cover = Block(x=0.51, length=0.03, width=0.04, height=0.055)
    heightmap = table(target, cover)
    attention = on_target(heightmap, visible(target, heightmap))
    sure, unsure, costly = actor(0.3, 0.7), actor(0.1, 0.6), actor(0.9, 0.9, company=(0.6, 0.4))
    assert sure.select(heightmap, attention, []).kind is not PrimitiveKind.MOVE
    for agent in (unsure, costly):
        assert agent.select(heightmap, attention, []).kind is not PrimitiveKind.MOVE, "nothing is put aside"
    for agent in (actor(0.1, 0.6, aside_after=1), actor(0.9, 0.9, company=(0.6, 0.4), aside_after=1)):
        move = agent.select(heightmap, attention, [])
        assert move.kind is PrimitiveKind.MOVE
        assert move.q_value == pytest.approx(-2.7)
    assert actor(0.3, 0.7, aside_after=1).select(heightmap, attention, []).kind is not PrimitiveKind.MOVE
    alone = on_target(HEIGHTMAP, TARGET.cells)
    assert actor(0.1, 0.6, aside_after=1).select(HEIGHTMAP, alone, []).kind is not PrimitiveKind.MOVE


class Oracle:
    """Foresight that tells that all pushes but one lose the target; after this one, it lies as before."""

    def __init__(self, good: int) -> None:
        self.good = good
        self.asked: list[Primitive] = []

    def after(
        self, heightmap: Heightmap, attention: Attention, pushes: Sequence[Primitive]
    ) -> Iterator[Foreseen | None]:
        self.asked += pushes
        for index in range(len(pushes)):
            yield Foreseen(attention.crop, attention.mask) if index == self.good else None


@pytest.mark.parametrize("good", [0, 2])
def test_the_push_after_which_a_grasp_is_foreseen_to_succeed_is_chosen(
    monkeypatch: pytest.MonkeyPatch, good: int
) -> None:
    monkeypatch.setattr(JudgedAgent, "_from", lambda *_: 1.05)
    oracle = Oracle(good)
    chosen = decide(actor(grasp=0.45, push=0.99, think=2.0).with_foresight(oracle))
    assert len(oracle.asked) == 4, "half a second each"
    assert chosen == replace(oracle.asked[good], q_value=chosen.q_value)
    assert chosen.q_value == pytest.approx(-2.05), "a push, then a grasp"


def test_the_grasp_is_chosen_if_no_better_one_is_foreseen_after_any_push() -> None:
    chosen = decide(actor(grasp=0.45, push=0.99, think=2.0).with_foresight(Oracle(1)))
    assert chosen.kind is PrimitiveKind.GRASP, "2.1 actions, or a push and then 2.1 actions"


def test_another_push_is_chosen_if_all_that_were_tried_lose_the_target() -> None:
    oracle = Oracle(99)
    chosen = decide(actor(grasp=0.2, push=0.99, think=1.0).with_foresight(oracle))
    assert chosen.kind is PrimitiveKind.PUSH
    assert len(oracle.asked) == 2
    assert chosen.position not in [push.position for push in oracle.asked]


def test_nobody_thinks_about_grasps_and_piles_or_without_time() -> None:
    oracle = Oracle(0)
    assert decide(actor(grasp=0.9, think=2.0).with_foresight(oracle)).kind is PrimitiveKind.GRASP
    assert decide(actor(grasp=0.45, push=0.99, think=0.0).with_foresight(oracle)).kind is PrimitiveKind.PUSH
    actor(think=2.0).with_foresight(oracle).select(HEIGHTMAP, on_heap(HEIGHTMAP, MIDDLE), [])
    assert not oracle.asked
