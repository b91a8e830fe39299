"""Values survive the way through messages; what does not fit is an error by name."""

from __future__ import annotations

import dataclasses
import math
from typing import Any

import numpy as np
import pytest
from geometry_msgs.msg import Point
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from impurity_grasp.msg import Attempt as AttemptMsg
from impurity_grasp.msg import Primitive as PrimitiveMsg
from impurity_grasp_ros.datatypes import (
    Attempt,
    Attention,
    AttentionState,
    Cluster,
    Grid,
    Heightmap,
    Outcome,
    OutcomeStatus,
    Primitive,
)
from impurity_grasp_ros.errors import InvalidFrameError, InvalidGoalError
from impurity_grasp_ros.nodes.conversions import (
    from_attempt,
    from_attention,
    from_heightmap,
    from_primitive,
    to_attempt,
    to_attention,
    to_heightmap,
    to_primitive,
)
from impurity_grasp_ros.nodes.images import to_image
from impurity_grasp_ros.nodes.stamps import to_duration, to_header, to_seconds, to_time

pytestmark = pytest.mark.ros

RNG = np.random.default_rng(0)
HEADER = to_header(12.5)
SALIENCY = RNG.random((5, 7)).astype(np.float32)


def heightmap(rows: int = 20, columns: int = 30) -> Heightmap:
    """A heightmap with a hole."""
    valid = np.ones((rows, columns), np.bool_)
    valid[2:4, 5:8] = False
    color = RNG.integers(0, 255, (rows, columns, 3)).astype(np.uint8)
    height = RNG.random((rows, columns)).astype(np.float32)
    return Heightmap(color, height, valid, Grid(0.276, -0.224, rows, columns), 3.25)


def same(first: Heightmap, second: Heightmap) -> bool:
    arrays = ((getattr(first, name), getattr(second, name)) for name in ("color", "height", "valid"))
    return all(np.array_equal(*pair) for pair in arrays) and (first.grid, first.stamp) == (second.grid, second.stamp)


@given(st.floats(0.0, 2e9))
def test_seconds_survive_as_stamps_and_durations_to_the_nanosecond(seconds: float) -> None:
    assert to_seconds(to_time(seconds)) == pytest.approx(seconds, abs=1e-6)
    assert to_seconds(to_duration(-seconds)) == pytest.approx(-seconds, abs=1e-6)


def test_a_heightmap_survives() -> None:
    value = heightmap()
    assert same(from_heightmap(to_heightmap(value)), value)


def test_a_fine_color_survives_and_may_be_missing() -> None:
    fine = RNG.integers(0, 255, (40, 60, 3)).astype(np.uint8)
    back = from_heightmap(to_heightmap(dataclasses.replace(heightmap(), fine_color=fine)))
    assert back.fine_color is not None
    np.testing.assert_array_equal(back.fine_color, fine)
    assert from_heightmap(to_heightmap(heightmap())).fine_color is None


@pytest.mark.parametrize("shape", [(40, 59, 3), (39, 60, 3), (10, 15, 3), (60, 40, 3), (40, 60)])
def test_a_fine_color_that_does_not_fit_the_cells_is_an_invalid_frame(shape: tuple[int, ...]) -> None:
    message = to_heightmap(heightmap())
    message.fine_color = to_image(np.zeros(shape, np.uint8), "rgb8" if len(shape) == 3 else "mono8", HEADER)
    with pytest.raises(InvalidFrameError, match=r"fine_color: expected .*\(20, 30\), received"):
        from_heightmap(message)


def replaced(value: Heightmap, name: str, pixels: NDArray[Any]) -> Heightmap:
    return Heightmap(**{**{key: getattr(value, key) for key in ("color", "height", "valid", "grid")}, name: pixels})


@pytest.mark.parametrize("name", ["color", "height", "valid"])
def test_a_heightmap_whose_images_differ_in_size_is_an_invalid_frame(name: str) -> None:
    value = heightmap()
    message = to_heightmap(replaced(value, name, getattr(value, name)[:-1]))
    with pytest.raises(InvalidFrameError, match="size"):
        from_heightmap(message)


def test_a_heightmap_with_a_height_that_is_not_a_number_is_an_invalid_frame() -> None:
    value = heightmap()
    value.height[1, 1] = np.nan
    with pytest.raises(InvalidFrameError, match="finite"):
        from_heightmap(to_heightmap(value))


def attention() -> Attention:
    crop = heightmap().window(3, -2, 12)
    mask = RNG.random((12, 12)) > 0.5
    clusters = (Cluster((0.5, 0.25), 0.0625, 0.125), Cluster((0.25, -0.125), 0.03125, 0.0625))
    return Attention(AttentionState.TARGET, (0.3, -0.2), crop, mask, 0.75, clusters, SALIENCY)


@pytest.mark.parametrize("unfamiliar", [False, True])
def test_an_attention_survives(unfamiliar: bool) -> None:
    value = dataclasses.replace(attention(), unfamiliar=unfamiliar)
    message = to_attention(value, heightmap().grid)
    back = from_attention(message)
    assert (back.state, back.center, back.score, back.clusters) == (value.state, value.center, 0.75, value.clusters)
    assert np.array_equal(back.mask, value.mask)
    assert np.array_equal(back.saliency, value.saliency)
    assert same(back.crop, value.crop)
    assert back.unfamiliar == value.unfamiliar
    row, column = heightmap().grid.to_cell(*value.center)
    assert (message.center_row_px, message.center_column_px) == pytest.approx((row, column), rel=1e-5)


def test_an_attention_of_unknown_state_is_an_invalid_goal() -> None:
    message = to_attention(attention(), heightmap().grid)
    message.state = 9
    with pytest.raises(InvalidGoalError, match="9"):
        from_attention(message)


def test_an_attention_whose_mask_does_not_fit_its_crop_is_an_invalid_frame() -> None:
    message = to_attention(attention(), heightmap().grid)
    message.mask = to_image(np.zeros((5, 5), np.uint8), "mono8", HEADER)
    with pytest.raises(InvalidFrameError, match="mask"):
        from_attention(message)


@pytest.mark.parametrize(
    "primitive",
    [Primitive.grasp((0.5, -0.1, 0.02), 1.25, 0.5, 0.0625), Primitive.push((0.4, 0.1, 0.01), -2.5, 0.25, 0.125)],
    ids=["grasp", "push"],
)
def test_a_primitive_and_its_attempt_survive(primitive: Primitive) -> None:
    assert from_primitive(to_primitive(primitive)) == primitive
    for status in OutcomeStatus:
        attempt = Attempt(primitive, Outcome(status, 0.03125, 2.5, "because"))
        assert from_attempt(to_attempt(attempt)) == attempt


def test_a_primitive_of_unknown_kind_is_an_invalid_goal() -> None:
    with pytest.raises(InvalidGoalError, match="7"):
        from_primitive(PrimitiveMsg(kind=7, position=Point(x=math.nan)))


def test_an_attempt_of_unknown_status_is_an_invalid_goal() -> None:
    with pytest.raises(InvalidGoalError, match="99"):
        from_attempt(AttemptMsg(status=99))
