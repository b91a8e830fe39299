"""What is remembered of a job, and how far what is ordinary may change."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray
from tiny_objects import ColorNetwork, objects_mode, tiny_network

from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN
from impurity_grasp_ros.perception.oddness import KnownObjects, familiarity, is_unfamiliar, probabilities, remember

CONFIG = replace(objects_mode().objects.oddness, surely_ordinary=0.2, surely_odd=0.8, max_remembered=4, far=0.5)
NETWORK = ColorNetwork()


def at(*degrees: float) -> NDArray[np.float32]:
    """Objects (n, 19) that look as different as these angles; all are of another length."""
    angles = np.deg2rad(degrees)
    vectors = np.zeros((len(angles), 19), np.float32)
    vectors[:, 0], vectors[:, 1] = np.cos(angles), np.sin(angles)
    return vectors * (1.0 + np.arange(len(angles), dtype=np.float32)[:, None])


def known(*ordinary: float, odd: tuple[float, ...] = (), taught: bool = False) -> KnownObjects:
    """Objects that are known from the beginning, by angle."""
    is_odd = np.repeat([False, True], [len(ordinary), len(odd)])
    return KnownObjects(at(*ordinary, *odd), is_odd, at(), taught)


def test_objects_in_view_are_judged_with_the_known_ones_in_their_roles() -> None:
    network, rng = tiny_network(), np.random.default_rng(0)
    seen, first, later = (rng.normal(size=(count, network.vector)).astype(np.float32) for count in (3, 2, 1))
    odd = probabilities(network, seen, KnownObjects(first, np.array([False, True]), later))
    vectors = torch.from_numpy(np.concatenate([seen, first, later]))[None]
    with torch.inference_mode():
        judged = network.judge(vectors, torch.tensor([[SEEN, SEEN, SEEN, ORDINARY, ODD, ORDINARY]]))[0]
    assert odd == pytest.approx(torch.sigmoid(judged[:3]).numpy(), abs=1e-6)
    alone = probabilities(network, seen, None)
    assert alone.shape == (3,)
    assert not np.allclose(alone, odd)


@pytest.mark.parametrize("before", [None, known(0.0)], ids=["alone", "known"])
def test_an_empty_table_has_no_probabilities(before: KnownObjects | None) -> None:
    assert probabilities(NETWORK, at(), before).shape == (0,)
    after = remember(before, at(), np.zeros(0, np.float32), CONFIG)
    assert (after is None) == (before is None)


def test_a_taught_model_alone_decides_and_objects_in_view_do_not_speak_for_each_other() -> None:
    network = tiny_network().eval()
    generator = np.random.default_rng(0)
    seen, first = (generator.normal(size=(count, network.vector)).astype(np.float32) for count in (5, 7))
    first_odd = np.arange(7) >= 5
    model = KnownObjects(first, first_odd, first[:0], taught=True)
    odd = probabilities(network, seen, model)
    one_by_one = [probabilities(network, seen[index : index + 1], model)[0] for index in range(5)]
    np.testing.assert_allclose(odd, one_by_one, rtol=1e-5)
    remembered = replace(model, taught=False)
    assert not np.allclose(probabilities(network, seen, remembered), one_by_one, rtol=1e-3)


def test_of_the_first_view_what_is_sure_is_remembered_in_its_role() -> None:
    odd = np.array([0.1, 0.5, 0.9, 0.19], np.float32)
    after = remember(None, at(0.0, 30.0, 90.0, 5.0), odd, CONFIG)
    assert after is not None
    np.testing.assert_array_equal(after.first, at(0.0, 30.0, 90.0, 5.0)[[0, 2, 3]])
    assert after.first_odd.tolist() == [False, True, False]
    assert len(after.later) == 0
    assert not after.taught


def test_nothing_is_remembered_before_something_was_surely_ordinary() -> None:
    assert remember(None, at(0.0, 90.0), np.array([0.2, 0.95], np.float32), CONFIG) is None


@given(st.lists(st.integers(0, 5), min_size=1, max_size=6), st.integers(0, 6), st.booleans())
def test_the_first_objects_are_never_forgotten_and_of_the_later_ones_the_newest_are_kept(
    sizes: list[int], most: int, taught: bool
) -> None:
    config, start = replace(CONFIG, max_remembered=most), known(0.0, odd=(90.0,), taught=taught)
    after, shown = start, at()
    for index, size in enumerate(sizes):
        new = at(*[3.0 * index + 0.1 * number for number in range(size)])
        shown = np.concatenate([shown, new])
        updated = remember(after, new, np.zeros(size, np.float32), config)
        assert updated is not None
        after = updated
    np.testing.assert_array_equal(after.later, shown[max(len(shown) - most, 0) :])
    np.testing.assert_array_equal(after.first, start.first)
    assert after.first_odd.tolist() == [False, True]
    assert after.taught == taught


def test_only_what_is_surely_ordinary_is_remembered_later() -> None:
    after = remember(known(0.0), at(10.0, 11.0, 12.0), np.array([0.1, 0.3, 0.99], np.float32), CONFIG)
    assert after is not None
    np.testing.assert_array_equal(after.later, at(10.0, 11.0, 12.0)[:1])


@pytest.mark.parametrize(
    ("angle", "kept"),
    [(55.0, True), (65.0, False), (-55.0, True), (-65.0, False)],
)
def test_what_is_far_from_the_first_objects_is_not_remembered(angle: float, kept: bool) -> None:
    after = remember(known(0.0), at(angle), np.zeros(1, np.float32), CONFIG)
    assert after is not None
    assert len(after.later) == kept


def test_what_is_more_like_an_odd_object_is_not_remembered() -> None:
    after = remember(known(0.0, odd=(70.0,)), at(30.0, 40.0), np.zeros(2, np.float32), CONFIG)
    assert after is not None
    np.testing.assert_array_equal(after.later, at(30.0, 40.0)[:1])


def drifted(before: KnownObjects, end: float, config: object = CONFIG) -> tuple[KnownObjects, float]:
    """Three ordinary objects change their looks by 3 degrees per view; what is known then, and how odd they seem."""
    for angle in np.arange(3.0, end + 1.0, 3.0):
        vectors = at(angle - 2.0, angle, angle + 2.0)
        odd = probabilities(NETWORK, vectors, before)
        after = remember(before, vectors, odd, config)  # type: ignore[arg-type]
        assert after is not None
        before = after
    return before, float(odd[1])


@pytest.mark.parametrize("taught", [True, False])
def test_slow_changes_of_light_are_followed(taught: bool) -> None:
    after, odd = drifted(known(0.0, taught=taught), 45.0)
    assert odd < 0.2
    assert len(after.later) == 4
    assert drifted(known(0.0, taught=taught), 45.0, replace(CONFIG, max_remembered=0))[1] > 0.8


def test_a_change_never_goes_so_far_that_an_impurity_becomes_ordinary() -> None:
    """The ordinary objects come to look just like the impurity at 90 degrees."""
    after, _ = drifted(known(0.0, taught=True), 90.0)
    assert probabilities(NETWORK, at(90.0), after)[0] > 0.5
    assert probabilities(NETWORK, at(0.0), after)[0] < 0.2, "what was taught stays ordinary"
    assert familiarity(after.later, after).min() >= CONFIG.far


def test_a_sudden_change_is_not_followed() -> None:
    before = known(0.0, taught=True)
    odd = probabilities(NETWORK, at(50.0, 51.0), before)
    after = remember(before, at(50.0, 51.0), odd, CONFIG)
    assert after is not None
    assert odd.min() > 0.8
    assert len(after.later) == 0


def test_familiarity_is_the_similarity_to_the_most_similar_first_object() -> None:
    before = replace(known(0.0, 100.0, odd=(180.0,)), later=at(45.0))
    found = familiarity(at(0.0, 45.0, 100.0, 175.0, 270.0), before)
    expected = np.cos(np.deg2rad([0.0, 45.0, 0.0, 5.0, 90.0]))
    assert found == pytest.approx(expected, abs=1e-5)
    assert familiarity(np.zeros((1, 19), np.float32), before) == pytest.approx([0.0])


@pytest.mark.parametrize(
    ("angles", "expected"),
    [((5.0, 61.0, 90.0), True), ((5.0, 90.0), False), ((59.0,), False), ((61.0,), True), ((), False)],
)
def test_a_view_is_unfamiliar_if_most_objects_are_unlike_all_that_was_taught(
    angles: tuple[float, ...], expected: bool
) -> None:
    assert is_unfamiliar(at(*angles), known(0.0, taught=True), CONFIG) is expected
    assert not is_unfamiliar(at(*angles), known(0.0), CONFIG), "nothing was taught"
    assert not is_unfamiliar(at(*angles), None, CONFIG)
