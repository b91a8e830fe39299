"""Modes of attention may offer the objects that they tell apart; what is not valid is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from drawn_scenes import draw

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.perception.seen_objects import seen_objects

VIEW = draw([])
MASK = np.zeros((224, 224), np.bool_)
MASK[3:5, 7] = True


@pytest.mark.parametrize("memory", [None, 3, SimpleNamespace(appearance="red")])
def test_a_mode_that_tells_no_objects_apart_has_none(memory: Any) -> None:
    assert seen_objects(memory, VIEW) is None


def test_the_objects_of_a_memory_are_pairs_of_mask_and_probability() -> None:
    first, second = seen_objects(SimpleNamespace(objects=[(MASK, 0.25), (~MASK, np.float32(1.0))]), VIEW) or ()
    np.testing.assert_array_equal(first.mask, MASK)
    np.testing.assert_array_equal(second.mask, ~MASK)
    assert (first.odd, second.odd) == (0.25, 1.0)


def test_no_object_in_view_is_not_the_same_as_no_objects_offered() -> None:
    assert seen_objects(SimpleNamespace(objects=()), VIEW) == ()


@pytest.mark.parametrize(
    ("item", "message"),
    [
        (MASK, "expected pairs of mask and probability, received ndarray"),
        (3, "expected pairs of mask and probability, received int"),
        ((MASK[:100], 0.5), r"expected a mask \(224, 224\) of bool that is not empty, received \(100, 224\) of bool"),
        ((MASK.astype(np.uint8), 0.5), r"received \(224, 224\) of uint8"),
        ((MASK & False, 0.5), "that is not empty"),
        (([[True]], 0.5), "received list"),
        ((MASK, 1.01), "expected a probability from 0 to 1, received 1.01"),
        ((MASK, -0.01), "received -0.01"),
        ((MASK, float("nan")), "received nan"),
        ((MASK, "high"), "received high"),
    ],
)
def test_what_is_no_object_is_refused(item: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        seen_objects(SimpleNamespace(objects=[item]), VIEW)
