"""What an ablation takes out of the attention is out, and the rest is left as it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from drawn_scenes import BLUE, draw, rows_of_blocks

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.datatypes import Attention, AttentionState, Grid, Heightmap
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.perception.ablations import target_only, whole_workspace, without_inference
from impurity_grasp_ros.perception.attention import ATTENTIONS, AttentionConfig, attend

Impair = Callable[[Attention, Heightmap], Attention]
ABLATIONS: tuple[Impair, ...] = (without_inference, whole_workspace, target_only)


@pytest.mark.parametrize("mode", ["no-inference", "target-only"])
def test_an_ablated_mode_remembers_what_is_ordinary(mode: str) -> None:
    """An object left alone is a target only because the first view has shown that it is odd."""
    config = replace(packaged_parameters("attention_node", AttentionConfig), mode=mode)
    odd, *others = rows_of_blocks(9)
    _, memory = attend(draw([odd.painted(BLUE), *others]), None, config)
    alone = draw([odd.painted(BLUE)])
    assert attend(alone, memory, config)[0].state is AttentionState.TARGET
    assert attend(alone, None, config)[0].state is not AttentionState.TARGET


def drawn(row: int, column: int, state: AttentionState) -> tuple[Attention, Heightmap]:
    """A workspace whose most salient cell is given, and an attention on another place."""
    shape = 224, 224
    saliency = np.full(shape, 0.25, np.float32)
    saliency[100, 7], saliency[row, column] = 0.0, 0.75
    color, valid = np.zeros((*shape, 3), np.uint8), np.ones(shape, np.bool_)
    heightmap = Heightmap(color, np.zeros(shape, np.float32), valid, Grid(0.276, -0.224))
    mask = np.zeros((112, 112), np.bool_)
    return Attention(state, (0.4, -0.1), heightmap.window(0, 0, 112), mask, 0.3, (), saliency), heightmap


@pytest.mark.parametrize(("row", "column", "x", "y"), [(30, 170, 0.617, -0.163), (0, 0, 0.277, -0.223)])
def test_without_inference_the_place_is_that_of_the_highest_saliency(row: int, column: int, x: float, y: float) -> None:
    impaired = without_inference(*drawn(row, column, AttentionState.CLEAR))
    assert impaired.center == pytest.approx((x, y))


@pytest.mark.parametrize("state", [AttentionState.CLEAR, AttentionState.CANDIDATE])
@pytest.mark.parametrize(
    ("impair", "center"), list(zip(ABLATIONS, ((0.617, -0.163), (0.5, 0.0), (0.5, 0.0)), strict=True))
)
def test_without_a_target_each_acts_elsewhere(
    impair: Impair, center: tuple[float, float], state: AttentionState
) -> None:
    impaired = impair(*drawn(30, 170, state))
    assert impaired.state is AttentionState.CANDIDATE
    assert impaired.center == pytest.approx(center)
    assert impaired.mask.all()


@pytest.mark.parametrize(
    ("impair", "center"), list(zip(ABLATIONS, ((0.4, -0.1), (0.5, 0.0), (0.4, -0.1)), strict=True))
)
def test_a_target_counts_for_those_that_detect_it(impair: Impair, center: tuple[float, float]) -> None:
    attention, heightmap = drawn(30, 170, AttentionState.TARGET)
    impaired = impair(attention, heightmap)
    assert impaired.center == pytest.approx(center)
    assert (impaired is attention) == (impair is not whole_workspace)


def test_modes_are_known_by_name_and_others_are_refused() -> None:
    assert ATTENTIONS.names()[:4] == ("objects", "outlier", "vocus2", "heights")
    assert ATTENTIONS.names()[4:7] == ("no-inference", "target-only", "whole")
    shipped = packaged_parameters("attention_node", AttentionConfig)
    assert shipped.mode == "outlier"
    with pytest.raises(ConfigError, match=r"^mode: expected one of objects, outlier, vocus2, .*, received 'Outlier'$"):
        replace(shipped, mode="Outlier")
