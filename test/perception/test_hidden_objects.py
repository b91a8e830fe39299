"""How many hidden objects are expected, where, and how likely one of them is a target."""

from __future__ import annotations

import math
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
import torch
from drawn_scenes import BLUE, GRID, Block, draw
from tiny_objects import write_tiny

from impurity_grasp_ros.config import from_mapping, packaged_parameters
from impurity_grasp_ros.datatypes import AttentionState, Grid, Heightmap
from impurity_grasp_ros.errors import CheckpointError, ConfigError
from impurity_grasp_ros.perception import hidden_objects
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.belief import Belief
from impurity_grasp_ros.perception.hidden_config import HiddenConfig
from impurity_grasp_ros.perception.hidden_network import (
    HiddenNetwork,
    HiddenNetworkConfig,
    negative_log_likelihood,
)
from impurity_grasp_ros.perception.hidden_objects import expected_objects, network_of, target_probability
from impurity_grasp_ros.perception.network_weights import (
    load_hidden_network,
    load_object_network,
    weights_of,
    write_network_weights,
)
from impurity_grasp_ros.perception.target import Detection
from impurity_grasp_ros.perception.where_to_act import attention_on
from impurity_grasp_ros.tensor_file import Training

CONFIG = packaged_parameters("attention_node", AttentionConfig)
SIZES = HiddenNetworkConfig(4, 6, 8)
NOTHING = Detection(np.zeros((224, 224), np.bool_), 0.0, np.zeros((224, 224), np.float32))
BLOCKS = [Block(60, 60, height=0.03), Block(60, 160, height=0.06), Block(160, 60, height=0.03)]


class Told(HiddenNetwork):
    """Expects so many hidden objects in the square of 4 x 4 cells around each place, and none elsewhere."""

    def __init__(self, numbers: dict[tuple[int, int], float]) -> None:
        super().__init__(SIZES)
        self._numbers = numbers

    def forward(self, height: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
        assert height.shape == seen.shape
        intensity = torch.zeros(1, height.shape[2] // 4, height.shape[3] // 4)
        for (row, column), number in self._numbers.items():
            intensity[0, row // 4, column // 4] = number
        return intensity.log()


def told(monkeypatch: pytest.MonkeyPatch, numbers: dict[tuple[int, int], float]) -> None:
    monkeypatch.setattr(hidden_objects, "load_hidden_network", lambda path: Told(numbers))


def test_the_group_in_which_most_is_expected_is_looked_at_however_high_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {(60, 160): 0.1, (160, 60): 0.4})
    found = attention_on(draw(BLOCKS), NOTHING, CONFIG)
    assert found.state is AttentionState.CANDIDATE
    np.testing.assert_allclose(found.center, GRID.to_meters(160, 60), atol=0.02)
    assert found.hidden == pytest.approx(1.0 - math.exp(-0.15 * 0.5), abs=1e-5)
    assert sorted(cluster.hidden for cluster in found.clusters) == pytest.approx([0.0, 0.1, 0.4], abs=1e-5)


@pytest.mark.parametrize(("number", "clear"), [(0.066, True), (0.068, False)])
def test_below_one_percent_the_workspace_is_clear(monkeypatch: pytest.MonkeyPatch, number: float, clear: bool) -> None:
    told(monkeypatch, {(60, 160): number})  # 1 - exp(-0.15 x 0.067) is 1 %
    found = attention_on(draw(BLOCKS), NOTHING, CONFIG)
    assert (found.state is AttentionState.CLEAR) == clear
    assert found.hidden == pytest.approx(0.01, abs=2e-4)


def test_a_target_in_view_comes_first_and_a_single_object_hides_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {(60, 160): 3.0})
    heightmap = draw([block.painted(BLUE) if block.column == 60 else block for block in BLOCKS])
    target = Detection(BLOCKS[0].cells, 1.0, NOTHING.saliency)
    found = attention_on(heightmap, target, CONFIG)
    assert found.state is AttentionState.TARGET
    assert found.hidden == pytest.approx(1.0 - math.exp(-0.45), abs=1e-5)
    single = BLOCKS[1].cells
    assert attention_on(heightmap, NOTHING, CONFIG, single=single).state is AttentionState.CLEAR


def traced(row: int, column: int) -> Detection:
    trace = np.zeros((224, 224), np.bool_)
    trace[row - 1 : row + 2, column - 1 : column + 2] = True
    return replace(NOTHING, trace=trace)


def test_odd_cells_that_are_too_few_for_a_target_are_looked_at_first(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {(60, 160): 0.4})
    found = attention_on(draw(BLOCKS), traced(160, 60), CONFIG)
    assert found.state is AttentionState.CANDIDATE
    np.testing.assert_allclose(found.center, GRID.to_meters(160, 60), atol=1e-9)
    assert found.hidden == pytest.approx(1.0 - math.exp(-0.15 * (0.4 + 0.5)), abs=1e-5)


def test_odd_cells_alone_are_given_up_after_seven_fruitless_pushes(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {})
    for fruitless in range(10):
        belief = Belief(pushes=np.full((224, 224), fruitless))
        found = attention_on(draw(BLOCKS), traced(160, 60), CONFIG, belief)
        assert (found.state is AttentionState.CANDIDATE) == (fruitless < 7)


def test_odd_cells_do_not_matter_if_they_stand_for_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {})
    config = replace(CONFIG, hidden=replace(CONFIG.hidden, trace=0.0))
    assert attention_on(draw(BLOCKS), traced(160, 60), config).state is AttentionState.CLEAR


def test_with_method_height_nothing_is_expected_and_a_pile_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    told(monkeypatch, {})
    by_height = replace(CONFIG, hidden=replace(CONFIG.hidden, method="height"))
    wide = [Block(100, 100, height=0.06, size_px=(40, 40))]
    found = attention_on(draw(wide), NOTHING, by_height)
    assert found.state is AttentionState.CANDIDATE
    assert math.isnan(found.hidden)
    assert all(math.isnan(cluster.hidden) for cluster in found.clusters)
    assert attention_on(draw(wide), NOTHING, CONFIG).state is AttentionState.CLEAR


@pytest.mark.parametrize("resolution", [0.0012, 0.002, 0.003])
def test_expected_numbers_lie_at_the_same_place_in_cells_of_any_size(resolution: float) -> None:
    grid = Grid(0.276, -0.224, 224, 224, resolution)
    ones = np.ones((224, 224), np.bool_)
    heightmap = Heightmap(np.zeros((224, 224, 3), np.uint8), np.full((224, 224), 0.03, np.float32), ones, grid, 0.0)
    row, column = round(100 * resolution / 0.002), round(60 * resolution / 0.002)
    found = expected_objects(heightmap, Told({(row, column): 0.5}))
    assert found.shape == (224, 224)
    assert found.sum() == pytest.approx(0.5, rel=1e-4)
    np.testing.assert_allclose(np.argwhere(found > 0).mean(axis=0), [100, 60], atol=4)


def test_cells_that_were_not_seen_have_no_height_for_the_network() -> None:
    class Curious(Told):
        def forward(self, height: torch.Tensor, seen: torch.Tensor) -> torch.Tensor:
            assert float(height[0, 0, 50, 50]) == 0.0 == float(seen[0, 0, 50, 50])
            assert float(height[0, 0, 51, 51]) == pytest.approx(0.05)
            return super().forward(height, seen)

    heightmap = draw([Block(50, 50, height=0.05)])
    heightmap.valid[50, 50] = False
    expected_objects(heightmap, Curious({}))


@pytest.mark.parametrize(("number", "share", "probability"), [(0.0, 0.5, 0.0), (0.5, 0.5, 0.2211992)])
def test_the_probability_of_a_target_is_that_of_a_poisson_process(
    number: float, share: float, probability: float
) -> None:
    assert target_probability(number, share) == pytest.approx(probability, abs=1e-6)


def test_the_loss_is_least_where_expectation_and_number_agree() -> None:
    numbers = torch.tensor([[[0.0, 2.0], [1.0, 1.0]]])
    best = float(negative_log_likelihood(numbers.clamp(min=1e-9).log(), numbers))
    assert best == pytest.approx(4.0 - 2.0 * math.log(2.0), abs=1e-5)
    for factor in (0.5, 0.9, 1.1, 2.0):
        assert float(negative_log_likelihood((factor * numbers).clamp(min=1e-9).log(), numbers)) > best


def test_the_network_expects_little_before_it_is_trained_and_takes_views_of_any_size() -> None:
    network = HiddenNetwork(SIZES).eval()
    for rows, columns in ((16, 24), (64, 32)):
        with torch.inference_mode():
            found = network(torch.rand(2, 1, rows, columns) / 10, torch.ones(2, 1, rows, columns))
        assert found.shape == (2, rows // 4, columns // 4)
        assert float(found.exp().sum()) < 1.0


def test_weights_of_the_other_network_are_refused_by_name(tmp_path: Path) -> None:
    torch.manual_seed(0)
    network = HiddenNetwork(SIZES)
    path = tmp_path / "hidden.safetensors"
    write_network_weights(path, weights_of(network, SIZES, Training("tiny", "0", 1, 2)))
    config = replace(CONFIG.hidden, weights=str(path))
    view = torch.rand(1, 1, 16, 16) / 10, torch.ones(1, 1, 16, 16)
    with torch.inference_mode():
        torch.testing.assert_close(network_of(config)(*view), network.eval()(*view), rtol=1e-4, atol=1e-4)
    with pytest.raises(CheckpointError, match=r"expected the network of mode objects, received HiddenNetwork"):
        load_object_network(path)
    with pytest.raises(CheckpointError, match=r"expected the network of hidden objects, received ObjectNetwork"):
        load_hidden_network(write_tiny(tmp_path / "other.safetensors"))


def test_the_shipped_values() -> None:
    assert CONFIG.hidden == HiddenConfig(
        method="learned",
        weights="",
        target_share=0.15,
        trace=0.5,
        max_probability=0.01,
        doubt=0.7,
        together=0.1,
        lifted=0.02,
    )
    with pytest.raises(ConfigError, match="method"):
        from_mapping(HiddenConfig, {**asdict(CONFIG.hidden), "method": "guess"})


def test_the_shipped_weights_expect_nothing_on_an_empty_table_and_under_flat_objects() -> None:
    for blocks in ([], [block for block in BLOCKS if block.height == 0.03]):
        attention, _ = attend(draw(blocks), None, CONFIG)
        assert attention.state is AttentionState.CLEAR
        assert attention.hidden < 0.002
