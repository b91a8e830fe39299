"""Losses of the attention network agree with their definitions, and what is compared is what a job compares."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_pairs import drawn_pair, drawn_view
from tiny_objects import tiny_network
from torch import Tensor

from impurity_grasp_ros.learning import attention_loss
from impurity_grasp_ros.learning.attention_labels import Roles
from impurity_grasp_ros.learning.attention_loss import (
    KINDS_APART,
    Comparison,
    Pooled,
    PooledPair,
    _kind_loss,
    _odd_loss,
    _outline_loss,
    compared,
    losses,
)
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.perception.object_network import ODD, ORDINARY, SEEN


def pooled(pair: Pair) -> PooledPair:
    """The objects of two views, without statistics."""
    first, second = (
        Pooled(torch.zeros(len(view.odd), 1), torch.from_numpy(view.odd), torch.from_numpy(view.kinds)) for view in pair
    )
    return first, second


@pytest.mark.parametrize("seed", range(40))
def test_a_view_is_compared_alone_and_the_second_often_with_what_the_first_showed(seed: int) -> None:
    roles = Roles({11: 0, 14: 2, 15: 2}, frozenset({2}))  # the fewest ordinary objects
    turned = replace(roles, kinds=dict(reversed(roles.kinds.items())))
    pair = drawn_view(np.random.default_rng(0), roles), drawn_view(np.random.default_rng(1), turned)
    vectors = tuple(torch.arange(float(len(view.odd)))[:, None] + 100 * index for index, view in enumerate(pair))
    first, second = compared(pooled(pair), vectors, np.random.default_rng(seed))  # type: ignore[arg-type]
    assert first.vectors is vectors[0]
    assert (first.roles == SEEN).all()
    assert first.odd.tolist() == pair[0].odd.tolist()

    seen = second.roles == SEEN
    assert seen.any()
    assert (second.vectors[seen] >= 100).all(), "judged are objects of the second view"
    assert second.odd[seen].tolist() == [float(pair[1].odd[int(value) - 100]) for value in second.vectors[seen]]
    assert second.odd[~seen].isnan().all(), "what is known is not judged"
    assert (second.vectors[~seen] < 100).all(), "known are objects of the first view"
    for value, role in zip(second.vectors[~seen], second.roles[~seen], strict=True):
        assert role == (ODD if pair[0].odd[int(value)] else ORDINARY)
    assert seen.all() or (second.roles == ORDINARY).any()


def test_jobs_that_begin_alone_with_memory_and_with_a_model_are_all_learned() -> None:
    pair = drawn_pair(np.random.default_rng(0))
    vectors = tuple(torch.zeros(5, 1) for _ in pair)
    objects = pooled(pair)
    drawn = [compared(objects, vectors, np.random.default_rng(seed))[1] for seed in range(300)]  # type: ignore[arg-type]
    alone = np.mean([bool((item.roles == SEEN).all()) for item in drawn])
    with_odd = np.mean([bool((item.roles == ODD).any()) for item in drawn])
    only_odd = np.mean([bool((item.odd[item.roles == SEEN] == 1.0).all()) for item in drawn])
    single = np.mean([int((item.roles == SEEN).sum()) == 1 for item in drawn])
    assert alone == pytest.approx(0.3, abs=0.08)
    assert 0.2 < with_odd < 0.6
    assert only_odd > 0.03
    assert single > 0.05


def comparison(odd: list[float], roles: list[int], seed: int) -> Comparison:
    generator = torch.Generator().manual_seed(seed)
    return Comparison(torch.randn(len(odd), 12, generator=generator), torch.tensor(roles), torch.tensor(odd))


def test_the_loss_of_what_is_odd_is_that_of_each_comparison_by_itself() -> None:
    network = tiny_network().eval()
    items = [
        comparison([0.0, 1.0, 0.0, math.nan], [SEEN, SEEN, SEEN, ORDINARY], 1),
        comparison([1.0, math.nan, math.nan, math.nan, math.nan, math.nan], [SEEN, *[ORDINARY] * 4, ODD], 2),
        comparison([0.0, 0.0], [SEEN, SEEN], 3),
    ]
    expected, hits = [], []
    for item in items:
        logits = network.judge(item.vectors[None], item.roles[None])[0]
        judged = ~item.odd.isnan()
        chance = torch.sigmoid(logits[judged])
        wanted = item.odd[judged]
        expected += torch.where(wanted == 1.0, -chance.log(), -(1 - chance).log()).tolist()
        if (wanted == 1.0).any():
            hits.append(float(wanted[chance.argmax()]))
    loss, found = _odd_loss(network, items)
    assert float(loss.detach()) == pytest.approx(np.mean(expected), rel=1e-4)
    assert found == pytest.approx(np.mean(hits))
    assert math.isnan(_odd_loss(network, items[2:])[1])


def test_the_loss_of_kinds_is_the_supervised_contrastive_one() -> None:
    vectors, kinds = torch.randn(7, 12), torch.tensor([0, 0, 1, 1, 1, 2, 100])
    unit = torch.nn.functional.normalize(vectors, dim=1).double()
    terms = []
    for index, kind in enumerate(kinds):
        others = [other for other in range(7) if other != index]
        total = sum(math.exp(float(unit[index] @ unit[other]) / 0.2) for other in others)
        alike = [other for other in others if kinds[other] == kind]
        if alike:
            logs = [math.log(math.exp(float(unit[index] @ unit[other]) / 0.2) / total) for other in alike]
            terms.append(-np.mean(logs))
    assert float(_kind_loss(vectors, kinds, 0.2)) == pytest.approx(np.mean(terms), rel=1e-4)


def logits_of(wanted: Tensor, sign: float = 1.0) -> Tensor:
    """What a network says that knows the outlines, or, with -1, says the opposite."""
    border = torch.where(wanted[:, 0] > 0, 8.0, -8.0) * sign
    inside = torch.logit(wanted[:, 1].clamp(1e-3, 1 - 1e-3)) * sign
    return torch.stack([border, inside], 1)


def test_the_loss_of_outlines_is_small_only_for_the_right_outlines() -> None:
    views = [drawn_view(np.random.default_rng(seed)) for seed in (0, 1)]
    wanted = torch.from_numpy(np.stack([view.outline for view in views])).float()
    right = float(_outline_loss(logits_of(wanted), views))
    assert right < 0.01
    for channel in (0, 1):
        wrong = logits_of(wanted)
        wrong[:, channel] = logits_of(wanted, -1.0)[:, channel]
        assert float(_outline_loss(wrong, views)) > 0.2 + right
    assert float(_outline_loss(logits_of(wanted).flip(0), views)) > 0.2 + right, "each view has its own"


def test_all_losses_reach_all_weights() -> None:
    network = tiny_network().train()
    torch.nn.init.normal_(network.outline.weight, std=0.1)
    pairs = [drawn_pair(np.random.default_rng(seed)) for seed in (0, 1)]
    found = losses(network, pairs, 0.15, np.random.default_rng(2))
    judge = found.judge
    (found.outline + judge.odd + judge.kind).backward()  # type: ignore[no-untyped-call]
    assert all(torch.isfinite(part) for part in (found.outline, judge.odd, judge.kind))
    assert 0.0 <= judge.found <= 1.0
    without = [name for name, weight in network.named_parameters() if weight.grad is None or not weight.grad.any()]
    assert without == []


def test_kinds_of_different_pairs_are_different(monkeypatch: pytest.MonkeyPatch) -> None:
    received: list[set[int]] = []

    def recorded(_vectors: Tensor, kinds: Tensor, _temperature: float) -> Tensor:
        received.append(set(kinds.tolist()))
        return torch.zeros(())

    monkeypatch.setattr(attention_loss, "_kind_loss", recorded)
    pair = drawn_pair(np.random.default_rng(0))
    with torch.no_grad():
        losses(tiny_network(), [pair, pair], 0.15, np.random.default_rng(2))
    assert received == [{0, 1, 2, KINDS_APART, KINDS_APART + 1, KINDS_APART + 2}]
    assert KINDS_APART > 24, "more than there are objects in a scene"
