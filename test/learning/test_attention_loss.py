"""Losses of the attention network agree with their definitions."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from drawn_pairs import drawn_pair, drawn_view
from tiny_objects import tiny_network
from torch import Tensor

from impurity_grasp_ros.learning import attention_loss
from impurity_grasp_ros.learning.attention_loss import (
    KINDS_APART,
    _kind_loss,
    _odd_loss,
    _outline_loss,
    losses,
)
from impurity_grasp_ros.learning.comparisons import Comparison
from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN


def comparison(odd: list[float], roles: list[int], seed: int) -> Comparison:
    generator = torch.Generator().manual_seed(seed)
    return Comparison(torch.randn(len(odd), 19, generator=generator), torch.tensor(roles), torch.tensor(odd))


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
    monkeypatch.setattr(attention_loss, "RECAST", 0.0)
    pair = drawn_pair(np.random.default_rng(0))
    with torch.no_grad():
        losses(tiny_network(), [pair, pair], 0.15, np.random.default_rng(2))
    assert received == [{0, 1, 2, KINDS_APART, KINDS_APART + 1, KINDS_APART + 2}]
    assert KINDS_APART > 24, "more than there are objects in a scene"
