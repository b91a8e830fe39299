"""Snapshots keep what was seen; training views show the deed where they say."""

import drawn_deeds
import numpy as np
import pytest

from impurity_grasp_ros.datatypes import PrimitiveKind
from impurity_grasp_ros.learning.augmentation import AugmentationConfig, patch_of, view_with
from impurity_grasp_ros.learning.transition import HEIGHT_STEP, Deed, Snapshot

PLAIN = AugmentationConfig(96, 0, 0.0, 0.0, 0.0, 0.0)
WILD = AugmentationConfig(96, 4, 0.05, 0.7, 0.001, 0.03)


def test_a_snapshot_gives_back_what_was_seen() -> None:
    focus = drawn_deeds.focus(np.random.default_rng(0))
    again = Snapshot.of(focus).unpack()
    np.testing.assert_array_equal(again.crop.color, focus.crop.color)
    np.testing.assert_array_equal(again.crop.valid, focus.crop.valid)
    np.testing.assert_array_equal(again.mask, focus.mask)
    np.testing.assert_allclose(again.crop.height, focus.crop.height, atol=HEIGHT_STEP)
    assert (again.crop.grid, again.on_target) == (focus.crop.grid, focus.on_target)


@pytest.mark.parametrize("angle", [0.0, 0.3, 2.0, -1.1])
def test_a_view_shows_the_wanted_cell_at_the_wanted_pixel(angle: float) -> None:
    view = view_with(33.25, 71.5, angle, 40, 55, 96)
    np.testing.assert_allclose(view.to_cell(40, 55), (33.25, 71.5), atol=1e-9)


@pytest.mark.parametrize("kind", list(PrimitiveKind))
@pytest.mark.parametrize("seed", range(6))
def test_the_deed_stays_on_the_block_in_every_training_view(kind: PrimitiveKind, seed: int) -> None:
    rng = np.random.default_rng(seed)
    focus = drawn_deeds.focus(rng)
    rows, columns = np.nonzero(focus.mask)
    deed = Deed(kind, int(rng.integers(16)), float(rows.mean()), float(columns.mean()))
    patch = patch_of(focus, deed, WILD, rng)
    assert patch.view.shape == (8, 96, 96)
    assert patch.view[7, patch.row - 3 : patch.row + 4, patch.column - 3 : patch.column + 4].mean() > 0.5
    assert np.isfinite(patch.view).all()


def test_without_augmentation_the_same_deed_gives_one_of_its_symmetric_views() -> None:
    focus = drawn_deeds.focus(np.random.default_rng(2))
    deed = Deed(PrimitiveKind.PUSH, 3, 50.0, 60.0)
    views = [patch_of(focus, deed, PLAIN, np.random.default_rng(seed)).view for seed in range(12)]
    different = {view.tobytes() for view in views}
    assert len(different) == 2, "a push may only be mirrored"
    first = views[0]
    assert any(np.array_equal(view, first[:, ::-1]) for view in views)
