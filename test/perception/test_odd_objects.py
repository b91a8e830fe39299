"""Mode ``objects`` finds what is unlike the others, and what is unlike a model that was taught."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tiny_objects import (
    BLUE,
    BROWN,
    GREEN,
    SIDE,
    TAN,
    Block,
    ColorNetwork,
    objects_mode,
    row_of,
    tiny_network,
    view,
    write_tiny,
)

from impurity_grasp_ros.datatypes import AttentionState, Heightmap
from impurity_grasp_ros.errors import CheckpointError, ConfigError, InvalidFrameError
from impurity_grasp_ros.perception import odd_objects as objects_module
from impurity_grasp_ros.perception.attention import AttentionConfig, attend
from impurity_grasp_ros.perception.network_weights import identity
from impurity_grasp_ros.perception.occlusion import object_cells
from impurity_grasp_ros.perception.odd_objects import ObjectsMemory, describe, find_odd_objects, network_of, rescaled
from impurity_grasp_ros.perception.ordinary_model import make_model, save_model
from impurity_grasp_ros.perception.seen_objects import seen_objects
from impurity_grasp_ros.perception.target import Detection

NETWORK = ColorNetwork()
CONFIG = objects_mode()


@pytest.fixture(autouse=True)
def color_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that tells colors apart in place of the trained one."""
    monkeypatch.setattr(objects_module, "load_object_network", lambda path: NETWORK)


def found(
    heightmap: Heightmap, memory: ObjectsMemory | None = None, config: AttentionConfig = CONFIG
) -> tuple[Detection, ObjectsMemory]:
    return find_odd_objects(heightmap, object_cells(heightmap, config.occlusion), memory, config.objects)


def is_at(mask: np.ndarray, block: Block) -> bool:
    """Whether a mask is that of a block."""
    inside = np.zeros(mask.shape, np.bool_)
    inside[block.cells] = True
    return bool(np.array_equal(mask, inside))


@pytest.fixture(scope="module")
def brown_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model of brown and tan goods."""
    path = tmp_path_factory.mktemp("model") / "goods.json"
    heightmap = view(row_of(BROWN, TAN))
    shown = describe(NETWORK, heightmap, object_cells(heightmap, CONFIG.occlusion), CONFIG.objects.segmentation)
    save_model(path, make_model(shown.vectors, shown.vectors[:0]), identity(NETWORK))
    return path


def test_the_target_is_the_object_that_is_unlike_the_others() -> None:
    blocks = row_of(BROWN, TAN, BLUE, BROWN, TAN)
    detection, memory = found(view(blocks))
    assert is_at(detection.mask, blocks[2])
    assert detection.score > 0.9
    assert [item.odd > 0.5 for item in memory.objects] == [False, False, True, False, False]
    for item, block in zip(memory.objects, blocks, strict=True):
        assert is_at(item.mask, block)
        assert detection.saliency[item.mask] == pytest.approx(item.odd)
    assert detection.saliency[0, 0] == 0.0
    assert seen_objects(memory, view(blocks)) == memory.objects


def test_without_an_odd_object_there_is_no_target() -> None:
    detection, memory = found(view(row_of(BROWN, TAN, BROWN)))
    assert not detection.mask.any()
    assert detection.score < 0.5
    assert len(memory.objects) == 3


def test_what_the_first_view_showed_is_known_when_few_objects_are_left() -> None:
    _, memory = found(view(row_of(BROWN, TAN, BLUE, BROWN)))
    assert found(view(row_of(BLUE)), memory)[0].mask.any()
    assert not found(view(row_of(TAN)), memory)[0].mask.any()
    assert found(view(row_of(BLUE, BLUE, BROWN)), memory)[0].mask.any()


@pytest.mark.parametrize(
    ("colors", "odd"),
    [
        ((BLUE, GREEN, BLUE, BROWN), [True, True, True, False]),
        ((BLUE,), [True]),
        ((TAN,), [False]),
        ((), []),
    ],
    ids=["more impurities than product", "one impurity", "one ordinary object", "nothing"],
)
def test_a_job_may_begin_with_anything_if_the_product_was_taught(
    brown_model: Path, colors: tuple[tuple[int, int, int], ...], odd: list[bool]
) -> None:
    config = objects_mode(ordinary_model=brown_model)
    detection, memory = found(view(row_of(*colors)), None, config)
    assert [item.odd > 0.5 for item in memory.objects] == odd
    assert detection.mask.any() == any(odd)
    again, _ = found(view(row_of(BROWN, BLUE)), memory, config)
    assert is_at(again.mask, row_of(BROWN, BLUE)[1])


def test_a_view_of_another_product_is_unfamiliar(brown_model: Path) -> None:
    config = objects_mode(ordinary_model=brown_model)
    assert found(view(row_of(BLUE, GREEN, BLUE)), None, config)[1].unfamiliar
    assert not found(view(row_of(BROWN, TAN, BLUE)), None, config)[1].unfamiliar
    assert not found(view(row_of(BLUE, GREEN, BLUE)))[1].unfamiliar
    attention, _ = attend(view(row_of(BLUE, GREEN, BLUE)), None, config)
    assert attention.unfamiliar
    assert attention.state is AttentionState.TARGET


def test_slow_changes_of_light_are_followed_and_an_impurity_stays_one(brown_model: Path) -> None:
    config, memory = objects_mode(ordinary_model=brown_model), None
    oddness = replace(config.objects.oddness, far=0.5)  # in the vectors of ColorNetwork, light changes more
    config = replace(config, objects=replace(config.objects, oddness=oddness))
    for step in range(13):
        light = (1.0 - 0.03 * step, 1.0, 1.0 + 0.03 * step)
        detection, memory = found(view(row_of(BROWN, TAN, BROWN, BLUE), light), memory, config)
        assert is_at(detection.mask, row_of(BROWN, BROWN, BROWN, BLUE)[3]), light
        assert sum(item.odd > 0.5 for item in memory.objects) == 1, light
    suddenly, _ = found(view(row_of(BROWN, TAN, BROWN), light), None, config)
    assert suddenly.mask.any(), "at once, the change would have been too much"


def test_of_several_targets_the_most_certain_or_the_most_accessible_is_first(brown_model: Path) -> None:
    """A blue block among others at a distance of 4 mm, and one of a less certain color that stands alone."""
    free, packed, step = Block(30, 100, (140, 120, 120)), Block(160, 60, BLUE), SIDE + 2
    around = [Block(160 + step * down, 60 + step * right) for down, right in ((0, 1), (0, -1), (1, 0), (-1, 0))]
    cluttered = view([free, packed, *around])
    certain, memory = found(cluttered, None, objects_mode(ordinary_model=brown_model, order="certain"))
    accessible, _ = found(cluttered, None, objects_mode(ordinary_model=brown_model, order="accessible"))
    assert sum(item.odd > 0.5 for item in memory.objects) == 2
    assert is_at(certain.mask, packed)
    assert is_at(accessible.mask, free)


@pytest.mark.parametrize("fine", [None, np.zeros((224, 224, 3), np.uint8), np.zeros((448, 448), np.uint8)])
def test_a_view_without_fine_color_is_an_invalid_frame(fine: np.ndarray | None) -> None:
    with pytest.raises(InvalidFrameError, match=r"fine_color: expected an image of shape \(448, 448, 3\), received"):
        found(replace(view(row_of(BROWN)), fine_color=fine))


def test_descriptions_have_one_vector_for_each_label() -> None:
    heightmap = view(row_of(BROWN, BLUE))
    seen = describe(NETWORK, heightmap, object_cells(heightmap, CONFIG.occlusion), CONFIG.objects.segmentation)
    assert seen.vectors.shape == (2, 19)
    assert sorted(np.unique(seen.labels)) == [-1, 0, 1]
    assert seen.vectors[0, :3] == pytest.approx(np.array(BROWN) / 255 - 0.5, abs=1e-5)


@pytest.mark.parametrize(("down", "right"), [(-80, 4), (80, 40), (4, -4)])
def test_a_description_does_not_depend_on_where_in_the_view_objects_are(down: int, right: int) -> None:
    """The network sees the part with objects only; random weights would notice any other surroundings."""
    network = tiny_network()
    blocks = row_of(BROWN, BLUE, TAN)
    moved = [replace(block, row=block.row + down, column=block.column + 16 + right) for block in blocks]
    first, second = (
        describe(network, heightmap, object_cells(heightmap, CONFIG.occlusion), CONFIG.objects.segmentation)
        for heightmap in (view([replace(block, column=block.column + 16) for block in blocks]), view(moved))
    )
    np.testing.assert_array_equal(np.roll(first.labels, (down, right), (0, 1)), second.labels)
    np.testing.assert_allclose(first.vectors, second.vectors, atol=1e-6)


def test_an_empty_table_has_no_objects() -> None:
    heightmap = view([])
    shown = describe(tiny_network(), heightmap, object_cells(heightmap, CONFIG.occlusion), CONFIG.objects.segmentation)
    assert shown.vectors.shape == (0, 19)
    assert (shown.labels == -1).all()


def test_a_model_of_other_weights_is_refused(brown_model: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(objects_module, "identity", lambda network: "ba9876543210")
    with pytest.raises(ConfigError, match="made with network ba9876543210, received one made with"):
        found(view(row_of(BROWN)), None, objects_mode(ordinary_model=brown_model))


def test_weights_come_from_the_file_that_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    path = write_tiny(tmp_path / "own.safetensors", seed=5)
    network = network_of(objects_mode(path).objects)
    attention, memory = attend(view(row_of(BROWN, TAN)), None, objects_mode(path))
    assert len(memory.objects) == 2
    assert attend(view([]), memory, objects_mode(path))[1].objects == ()
    assert attention.crop.height.shape == (112, 112)
    assert network is network_of(objects_mode(path).objects)
    with pytest.raises(CheckpointError, match=r"nowhere\.safetensors"):
        attend(view([]), None, objects_mode(tmp_path / "nowhere.safetensors"))


@given(st.floats(0.0, 1.0), st.floats(0.0, 1.0), st.floats(0.05, 0.99))
def test_scores_grow_with_the_probability_and_are_a_half_at_the_threshold(
    first: float, second: float, threshold: float
) -> None:
    low, high = sorted((first, second))
    assert 0.0 <= rescaled(low, threshold) <= rescaled(high, threshold) + 1e-12 <= 1.0 + 2e-12
    assert (rescaled(low, threshold) >= 0.5) == (low >= threshold)
    assert rescaled(threshold, threshold) == pytest.approx(0.5)
