"""The block library keeps its promises about sizes and colors."""

import numpy as np
import pytest

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.simulation.library import BlockLibrary, Palette, rgb, shipped_library
from impurity_grasp_ros.simulation.objects import cuboid
from impurity_grasp_ros.simulation.scene_config import load_scene, scene_names


@pytest.fixture
def library() -> BlockLibrary:
    return shipped_library()


def test_random_shapes_stay_within_their_ranges_and_all_kinds_occur(library: BlockLibrary) -> None:
    rng = np.random.default_rng(0)
    shapes = [library.random_shape(rng) for _ in range(200)]
    assert {shape.kind for shape in shapes} == set(library.shapes)
    for shape in shapes:
        bounds = library.shapes[shape.kind]
        assert bounds.height[0] <= shape.height <= bounds.height[1]
        assert bounds.width[0] - 1e-9 <= np.ptp(np.array(shape.outline)[:, 0]) <= bounds.width[1] + 1e-9


def test_equal_generators_draw_equal_shapes(library: BlockLibrary) -> None:
    first, second = np.random.default_rng(3), np.random.default_rng(3)
    assert [library.random_shape(first) for _ in range(20)] == [library.random_shape(second) for _ in range(20)]


def test_every_block_fits_between_the_fingers_some_way_round(library: BlockLibrary) -> None:
    for bounds in library.shapes.values():
        assert min(bounds.width[1], bounds.depth[1]) < 0.085 - 0.01


def test_targets_get_the_target_color_and_others_one_of_theirs() -> None:
    palette, rng = Palette(("#000000", "#0000ff"), "#ff0000"), np.random.default_rng(0)
    shape = cuboid(0.03, 0.03, 0.03)
    target, ordinary = palette.paint(shape, True, rng), [palette.paint(shape, False, rng) for _ in range(20)]
    assert (target.color, target.target) == ((1.0, 0.0, 0.0), True)
    assert {block.color for block in ordinary} == {(0.0, 0.0, 0.0), (0.0, 0.0, 1.0)}
    assert not any(block.target for block in ordinary)


def test_colors_are_red_green_blue() -> None:
    assert rgb("#ff8000") == (1.0, 128 / 255, 0.0)


@pytest.mark.parametrize("color", ["", "ff8000", "#ff80", "#ff80zz", "#ff800000", "red"])
def test_a_color_of_another_form_is_refused(color: str) -> None:
    with pytest.raises(ConfigError, match="expected a color as #rrggbb"):
        rgb(color)


def test_an_unknown_palette_is_refused_with_the_known_ones(library: BlockLibrary) -> None:
    with pytest.raises(ConfigError, match=r"blue_red.*received 'plaid'"):
        library.palette("plaid")


@pytest.mark.parametrize("scene", scene_names())
def test_every_palette_of_a_scene_exists_and_sets_its_targets_apart(library: BlockLibrary, scene: str) -> None:
    for name in load_scene(scene)[0].palettes:
        palette = library.palette(name)
        for ordinary in palette.ordinary:
            assert np.abs(np.subtract(rgb(ordinary), rgb(palette.target))).max() > 0.1
