"""The families of goods: which object is odd, in what, and what training has in common with measurement: nothing."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from tabletop import deepest_penetration, poses

from impurity_grasp_ros.config import read_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation import real_objects, scene_config
from impurity_grasp_ros.simulation.assortments import Assortment, Good
from impurity_grasp_ros.simulation.environment import Environment
from impurity_grasp_ros.simulation.goods import FAMILIES, MEASURED, GoodsConfig
from impurity_grasp_ros.simulation.labels import LabeledFrame, capture_labeled
from impurity_grasp_ros.simulation.materials import Coat
from impurity_grasp_ros.simulation.measured_shapes import MEASURED_SHAPES
from impurity_grasp_ros.simulation.patterns import COMMON_PATTERNS, MEASURED_PATTERNS, TRAINING_PATTERNS
from impurity_grasp_ros.simulation.probe import visible_fractions
from impurity_grasp_ros.simulation.scene_config import SceneConfig, load_scene, scene_names
from impurity_grasp_ros.simulation.training_shapes import COMMON_SHAPES, TRAINING_SHAPES

GOODS = {*MEASURED, "nothing_odd", "training", "training_noisy", "real_objects"}
TRAINING_SEED = 1_000_000
DRAWS = 120


def assortments(family: str, count: int = DRAWS) -> Iterator[Assortment]:
    for seed in range(count):
        yield FAMILIES[family](np.random.default_rng(seed))


def goods_of(assortment: Assortment) -> list[Good]:
    goods = [*assortment.ordinary, *assortment.odd]
    assert all(isinstance(good, Good) for good in goods)
    return goods


def test_every_family_has_a_scene_and_only_scenes_of_blocks_have_palettes() -> None:
    families = {name: load_scene(name)[0].goods.family for name in scene_names()}
    assert {name for name, family in families.items() if family} == GOODS
    assert {family for family in families.values() if family} == set(FAMILIES)
    for name in GOODS:
        assert load_scene(name)[0].palettes == ()


@pytest.mark.parametrize("family", ["training", *MEASURED, "nothing_odd"])
def test_training_and_measured_goods_share_nothing_but_plain_surfaces_and_boxes(family: str) -> None:
    is_training = family == "training"
    patterns = {*COMMON_PATTERNS, *(TRAINING_PATTERNS if is_training else MEASURED_PATTERNS)}
    shapes = {*COMMON_SHAPES, *(TRAINING_SHAPES if is_training else MEASURED_SHAPES)}
    used_patterns, used_shapes = set(), set()
    for assortment in assortments(family, 40 if family == "texture" else DRAWS):
        for good in goods_of(assortment):
            used_patterns.add(good.material.pattern)
            used_shapes.add(good.form.maker)
    assert used_patterns <= patterns
    assert used_shapes <= shapes
    if is_training:
        assert (used_patterns, used_shapes) == (patterns, shapes), "training uses all that it may"


def test_equal_generators_give_equal_assortments() -> None:
    for family in (*MEASURED, "training", "nothing_odd"):
        first, second, other = (FAMILIES[family](np.random.default_rng(seed)) for seed in (4, 4, 5))
        assert first == second
        assert first != other


def test_slate_is_brighter_than_coal_and_layered() -> None:
    for assortment in assortments("coal_slate"):
        (coal,), (slate,) = assortment.ordinary, assortment.odd
        assert (coal.form.maker, slate.form.maker) == ("rock", "plate")
        assert slate.material.pattern == "sediment"
        assert 1.35 < np.mean(slate.material.color) / np.mean(coal.material.color) < 2.05
        assert max(slate.material.color) < 0.5, "slate is dark, too"
        assert coal.material.brightness == 0.25


def test_an_odd_print_differs_from_the_ordinary_one_in_pattern_or_color_and_all_cases_occur() -> None:
    cases = set()
    for assortment in assortments("printed"):
        (box,), (odd,) = assortment.ordinary, assortment.odd
        assert box.form == odd.form
        assert 2 <= len(box.material.colors) <= 3
        if odd.material.pattern == "plain":
            assert odd.material.colors[0] in box.material.colors
            cases.add("plain")
        elif odd.material.pattern == box.material.pattern:
            changed = [a != b for a, b in zip(box.material.colors, odd.material.colors, strict=True)]
            assert sum(changed) == 1
            first, second = box.material.colors[changed.index(True)], odd.material.colors[changed.index(True)]
            assert np.abs(np.subtract(first, second)).max() > 0.12
            cases.add("color")
        else:
            assert odd.material.colors == box.material.colors
            cases.add("pattern")
    assert cases == {"plain", "color", "pattern"}


def test_textures_differ_in_the_pattern_alone() -> None:
    for assortment in assortments("texture", 40):
        (ordinary,), (odd,) = assortment.ordinary, assortment.odd
        assert ordinary.form == odd.form
        assert ordinary.material.pattern != odd.material.pattern
        assert ordinary.material.scale == odd.material.scale


def test_shapes_differ_in_the_form_alone_by_kind_or_by_a_size_of_at_least_a_half() -> None:
    same = 0
    for assortment in assortments("shape"):
        (ordinary,), (odd,) = assortment.ordinary, assortment.odd
        assert ordinary.material == odd.material
        if ordinary.form.maker == odd.form.maker:
            sizes = sorted((ordinary.form.size, odd.form.size))
            assert sizes[1] * 0.94 > 1.5 * sizes[0] * 1.06
            same += 1
    assert 0.2 < same / DRAWS < 0.4


def test_assorted_goods_have_three_ordinary_kinds_that_differ_from_each_other_and_from_the_odd_one() -> None:
    for assortment in assortments("assorted"):
        goods = goods_of(assortment)
        assert (len(assortment.ordinary), len(goods)) == (3, 4)
        for what in ([good.form.maker for good in goods], [good.material.pattern for good in goods]):
            assert len(set(what)) == 4
        colors = [good.material.color for good in goods]
        gaps = [np.abs(np.subtract(a, b)).max() for i, a in enumerate(colors) for b in colors[:i]]
        assert min(gaps) > 0.05


def test_training_draws_one_to_three_kinds_and_none_to_three_targets_among_4_to_20_objects() -> None:
    numbers, kinds = set(), set()
    for assortment in assortments("training", 250):
        targets, blocks = assortment.numbers
        assert targets is not None
        assert blocks is not None
        numbers.add(targets)
        kinds.add(len(assortment.ordinary))
        assert 4 <= targets + blocks <= 20
        least = max(3, 2 * targets + 1)
        assert blocks >= least * len(assortment.ordinary), "as many odd pieces as ordinary ones would not be odd"
        assert len({good.name for good in goods_of(assortment)}) == len(assortment.ordinary) + 1
        ordinary = {(good.form, good.material) for good in assortment.ordinary}
        assert (assortment.odd[0].form, assortment.odd[0].material) not in ordinary
    assert (numbers, kinds) == ({0, 1, 2, 3}, {1, 2, 3})


def test_kinds_take_turns() -> None:
    assortment = FAMILIES["assorted"](np.random.default_rng(0))
    rng = np.random.default_rng(1)
    assert [assortment.draw(False, index, rng).kind for index in range(4)] == ["first", "second", "third", "first"]
    odd = assortment.draw(True, 0, rng)
    assert (odd.kind, odd.target, odd.color) == ("odd", True, assortment.odd[0].material.color)


@pytest.mark.sim
@pytest.mark.parametrize("name", sorted(GOODS - {"real_objects", "training_noisy"}))
def test_goods_rest_on_the_table_and_the_odd_ones_can_be_seen(environment: Environment, name: str) -> None:
    seed = {"training": TRAINING_SEED + 1, "coal_slate": 5}.get(name, 1)  # with 5, the first slate lies under coal
    (config, _), scene = load_scene(name), environment.reset(seed, name)
    if name != "training":
        assert (len(scene.targets), len(scene.blocks)) == (config.targets, config.targets + config.blocks)
    assert environment.world.at_rest()
    assert deepest_penetration(environment.world) < 0.004
    assert set(environment.world.coats) == set(environment.world.bodies) == set(scene.blocks)
    targets = {body: scene.blocks[body] for body in scene.targets}
    seen = visible_fractions(environment.world, environment.camera, targets, environment.camera.visible_pixels())
    assert all(fraction >= config.goods.min_visible for fraction in seen.values())
    kinds = {block.kind for block in scene.blocks.values() if block.target}
    assert not kinds & {block.kind for block in scene.blocks.values() if not block.target}


@pytest.mark.sim
def test_a_seed_gives_the_same_goods_and_frames_and_another_seed_others(environment: Environment) -> None:
    runs = []
    for seed in (2, 2, 3):
        environment.reset(seed, "mushroom_stone", 1, 3)
        runs.append((poses(environment), environment.observe().color))
    np.testing.assert_array_equal(runs[0][0], runs[1][0])
    np.testing.assert_array_equal(runs[0][1], runs[1][1])
    assert not np.array_equal(runs[0][1], runs[2][1])


@pytest.mark.sim
def test_the_noise_of_training_does_not_change_how_the_goods_lie(environment: Environment) -> None:
    environment.reset(TRAINING_SEED, "training")
    plain, first = poses(environment), environment.observe()
    environment.reset(TRAINING_SEED, "training_noisy")
    np.testing.assert_array_equal(poses(environment), plain)
    noisy = environment.observe()
    assert np.abs(noisy.color.astype(int) - first.color).mean() > 3.0
    assert 0.003 < (noisy.depth == 0.0).mean() < 0.05


def kind_colors(labeled: LabeledFrame, kind: str) -> NDArray[np.uint8]:
    return labeled.frame.color[labeled.kinds == labeled.kind_names.index(kind)]


@pytest.mark.sim
def test_on_images_textures_have_the_same_mean_and_contrast(environment: Environment) -> None:
    means, spreads = [], []
    for seed in range(4):
        labeled = capture_labeled(environment.camera, environment.reset(seed, "texture", 4, 4))
        colors = [kind_colors(labeled, kind).astype(float) for kind in labeled.kind_names]
        assert len(colors) == 2
        means.append(colors[0].mean() / colors[1].mean())
        spreads.append(colors[0].std() / colors[1].std())
    np.testing.assert_allclose(means, 1.0, atol=0.15)
    np.testing.assert_allclose(spreads, 1.0, atol=0.3)
    assert abs(np.mean(means) - 1.0) < 0.08


@pytest.mark.sim
def test_on_images_slate_is_brighter_than_coal(environment: Environment) -> None:
    labeled = capture_labeled(environment.camera, environment.reset(0, "coal_slate", 4, 4))
    assert labeled.kind_names == ("coal", "slate")
    assert 1.1 < kind_colors(labeled, "slate").mean() / kind_colors(labeled, "coal").mean() < 2.6
    assert kind_colors(labeled, "slate").mean() < 110


@pytest.mark.sim
def test_labels_name_the_body_the_kind_and_the_targets_of_each_pixel(environment: Environment) -> None:
    scene = environment.reset(0, "assorted", 1, 6)
    frame, bodies = environment.camera.capture_with_bodies()
    labeled = capture_labeled(environment.camera, scene)
    np.testing.assert_array_equal(labeled.frame.color, frame.color)
    assert labeled.kind_names == ("first", "odd", "second", "third")
    for body, block in scene.blocks.items():
        here = bodies == body
        assert here.any()
        np.testing.assert_array_equal(labeled.bodies == body, here)
        assert (labeled.kinds[here] == labeled.kind_names.index(block.kind)).all()
        assert (labeled.targets[here] == block.target).all()
    elsewhere = ~np.isin(bodies, list(scene.blocks))
    assert (labeled.bodies[elsewhere] == -1).all()
    assert (labeled.kinds[elsewhere] == -1).all()
    assert not labeled.targets[elsewhere].any()


@pytest.mark.sim
def test_blocks_of_a_palette_have_kinds_too(environment: Environment) -> None:
    scene = environment.reset(0, "random", 1, 2)
    assert {(block.kind, block.target) for block in scene.blocks.values()} == {("target", True), ("ordinary", False)}
    assert capture_labeled(environment.camera, scene).kind_names == ("ordinary", "target")


@pytest.mark.sim
def test_an_empty_table_has_labels(environment: Environment) -> None:
    labeled = capture_labeled(environment.camera, environment.scene)
    assert labeled.kind_names == ()
    assert (labeled.bodies == -1).all()


@pytest.mark.sim
def test_goods_can_be_packed_and_then_have_the_shapes_of_the_packing(
    environment: Environment, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    packed = read_yaml("config/scenes/challenging.yaml")["layout"]["packed"]
    text = {**read_yaml("config/scenes/coal_slate.yaml"), "layout": {"packed": {**packed}}, "targets": 1, "blocks": 8}
    (tmp_path / "packed_coal.yaml").write_text(yaml.safe_dump(text), encoding="utf-8")
    monkeypatch.setattr(scene_config, "SCENES_FOLDER", str(tmp_path))
    scene = environment.reset(0, "packed_coal")
    assert {block.shape.kind for block in scene.blocks.values()} <= {"cuboid", "cylinder", "triangle"}
    assert {block.kind for block in scene.blocks.values()} == {"coal", "slate"}
    assert all(isinstance(block.coat, Coat) for block in scene.blocks.values())


def test_an_unknown_family_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"family: expected one of coal_slate, .*received 'fruit'"):
        GoodsConfig("fruit", 0.0)


@pytest.mark.parametrize("palettes", [(), ("blue_red",)])
def test_a_scene_has_either_palettes_or_goods(palettes: tuple[str, ...]) -> None:
    config, _ = load_scene("coal_slate" if palettes else "random")
    with pytest.raises(ConfigError, match="expected either palettes or goods"):
        replace(config, palettes=palettes)
    assert isinstance(config, SceneConfig)


def test_real_objects_say_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(real_objects, "find_spec", lambda name: None)
    real_objects._mesh.cache_clear()
    real_objects._image.cache_clear()
    assortment = FAMILIES["real_objects"](np.random.default_rng(0))
    with pytest.raises(ConfigError, match=r"expected package robosuite .*found none: pip install --no-deps -r requir"):
        assortment.draw(False, 0, np.random.default_rng(0))
