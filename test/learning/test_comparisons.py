"""What is compared in training is what a job compares, and only what a person could tell is judged."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from drawn_pairs import drawn_pair, drawn_view

from impurity_grasp_ros.learning.attention_labels import Roles
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.comparisons import Comparison, Pooled, PooledPair, _clear, compared, recast
from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN

BACKGROUND = 99
"""Kind of what is no object."""


def pooled(pair: Pair) -> PooledPair:
    """The objects of two views, without statistics."""
    first, second = (
        Pooled(torch.zeros(len(view.odd), 1), torch.from_numpy(view.odd), torch.from_numpy(view.kinds)) for view in pair
    )
    return first, second


@pytest.mark.parametrize("seed", range(40))
def test_a_view_is_compared_alone_and_the_second_often_with_what_the_first_showed(seed: int) -> None:
    roles = Roles({11: 0, 12: 0, 13: 0, 14: 2, 15: 2}, frozenset({2}))
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
    for value, odd in zip(second.vectors[seen], second.odd[seen], strict=True):
        assert odd.isnan() or odd == float(pair[1].odd[int(value) - 100])
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


@pytest.mark.parametrize(
    ("kinds", "odd", "judged"),
    [
        ("aaaX", "...X", "yyyy"),  # three of a kind and another one
        ("aaX", "..X", "yyy"),
        ("aX", ".X", "yn"),  # in doubt, nothing is odd
        ("aXX", ".XX", "ynn"),
        ("aaXX", "..XX", "yynn"),
        ("aaaXX", "...XX", "yyyyy"),
        ("aaabX", "....X", "yyyny"),  # the single b looks odd, too
        ("aaaaabbXX", ".......XX", "yyyyynnyy"),  # b is as rare as the odd kind
        ("aaaab", ".....", "yyyyn"),
        ("aaaa", "....", "yyyy"),
        ("a", ".", "y"),  # a single object is nothing special
        ("X", "X", "n"),
        ("aaaX-", "...X.", "yyyyy"),  # background is never odd
    ],
)
def test_what_nobody_could_tell_is_not_judged(kinds: str, odd: str, judged: str) -> None:
    numbers = torch.tensor([BACKGROUND if kind == "-" else ord(kind) for kind in kinds])
    is_odd = torch.tensor([float(letter == "X") for letter in odd])
    found = _clear(Comparison(torch.zeros(len(kinds), 1), torch.full((len(kinds),), SEEN), is_odd), numbers)
    assert "".join("n" if value.isnan() else "y" for value in found.odd) == judged
    clear = ~found.odd.isnan()
    assert found.odd[clear].tolist() == is_odd[clear].tolist()


@pytest.mark.parametrize(
    ("known", "kinds", "odd", "judged"),
    [
        ("a", "XX", "XX", "nn"),  # one piece is known, two of another kind are in view
        ("aaa", "XX", "XX", "yy"),
        ("aaaX", "XXXXX", "XXXXX", "yyyyy"),  # the odd kind is known, however many there are
        ("aaa", "b", ".", "n"),  # an ordinary kind that nobody has seen before
        ("aaab", "b", ".", "y"),
    ],
)
def test_what_is_known_makes_more_objects_clear(known: str, kinds: str, odd: str, judged: str) -> None:
    numbers = torch.tensor([ord(kind) for kind in kinds + known])
    roles = torch.tensor([SEEN] * len(kinds) + [ODD if kind == "X" else ORDINARY for kind in known])
    is_odd = torch.tensor([float(letter == "X") for letter in odd] + [math.nan] * len(known))
    found = _clear(Comparison(torch.zeros(len(roles), 1), roles, is_odd), numbers)
    assert "".join("n" if value.isnan() else "y" for value in found.odd[: len(kinds)]) == judged
    assert found.odd[len(kinds) :].isnan().all()


def kinds_of(letters: str, offset: int = 0) -> Pooled:
    """Objects of kinds 0 to 9, 9 for the background; their statistic is their place."""
    kinds = torch.tensor([BACKGROUND if letter == "9" else int(letter) for letter in letters])
    places = torch.arange(float(len(letters)))[:, None] + offset
    return Pooled(places, torch.zeros(len(letters), dtype=torch.bool), kinds)


def test_any_frequent_kind_may_be_ordinary_and_any_other_one_odd() -> None:
    pair = kinds_of("00001112239"), kinds_of("1110000322", 100)
    seen = set()
    for seed in range(300):
        views = recast(pair, np.random.default_rng(seed))
        names = []
        for view, whole, offset in zip(views, pair, (0, 100), strict=True):
            assert view.kinds.tolist() == [int(whole.kinds[int(place) - offset]) for place in view.statistics[:, 0]]
            odd, ordinary = (set(view.kinds[chosen].tolist()) for chosen in (view.odd, ~view.odd))
            ordinary -= {BACKGROUND}
            assert len(odd) <= 1
            assert not odd & (ordinary | {BACKGROUND})
            assert int(view.odd.sum()) <= 2
            assert ordinary <= {0, 1}, "others have less than three pieces"
            assert min((view.kinds == kind).sum() for kind in ordinary) >= 3
            names.append((frozenset(ordinary), frozenset(odd)))
        assert names[0] == names[1], "both views have the same roles"
        seen.add(names[0])
    both = {(frozenset({0, 1}), frozenset({kind})) for kind in (2, 3)}
    single = {(frozenset({kind}), frozenset({other})) for kind in (0, 1) for other in range(4) if other != kind}
    none = {(frozenset(ordinary), frozenset()) for ordinary in ({0}, {1}, {0, 1})}
    assert seen == both | single | none


def test_objects_without_a_frequent_kind_keep_their_roles() -> None:
    pair = kinds_of("00112"), kinds_of("0000112")
    assert recast(pair, np.random.default_rng(0)) is pair
