"""What a mask lies on, which objects were found, and what a mode remembers from view to view."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from attention_jobs import ODD, PLAIN, SLIVER, attention_to, cells, drawn

from impurity_grasp_ros.datatypes import AttentionState
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.evaluation.attention_record import Hit, ObjectRecord
from impurity_grasp_ros.evaluation.attention_verdict import Judged, crop_mask, judge, observe
from impurity_grasp_ros.perception.seen_objects import SeenObject

VIEW = drawn()
ODD_CELLS, PLAIN_CELLS = VIEW.mask(ODD), VIEW.mask(PLAIN)


def test_an_object_is_in_view_from_thirty_cells_on() -> None:
    assert VIEW.in_view == (ODD, PLAIN)
    one_more = drawn()
    one_more.bodies[70, 10:20] = SLIVER
    assert one_more.in_view == (ODD, PLAIN, SLIVER)
    one_more.bodies[70, 19] = -1
    assert one_more.in_view == (ODD, PLAIN)


@pytest.mark.parametrize(
    ("columns", "hit", "iou"),
    [
        ((100, 110), Hit.ODD, 1.0),
        ((100, 105), Hit.ODD, 0.5),
        ((105, 115), Hit.ODD, 50 / 150),  # half of it on either object
        ((107, 117), Hit.ORDINARY, 70 / 230),
        ((110, 130), Hit.ORDINARY, 1.0),
        ((90, 101), Hit.TABLE, 10 / 200),
        ((120, 141), Hit.TABLE, 100 / 310),
        ((140, 150), Hit.TABLE, None),
    ],
)
def test_a_target_is_what_most_of_its_mask_lies_on(columns: tuple[int, int], hit: Hit, iou: float | None) -> None:
    record = judge(VIEW, attention_to(cells(slice(60, 70), slice(*columns))), 0.1)
    assert record.hit is hit
    assert record.iou == (None if iou is None else pytest.approx(iou))
    assert (record.state, record.score, record.seconds) == ("TARGET", 0.9, 0.1)
    assert (record.targets_left, record.targets_in_view, record.objects_in_view) == (1, 1, 2)
    assert record.objects is record.objects_found is None


def test_cells_of_a_target_do_not_speak_for_an_ordinary_object() -> None:
    mask = cells(slice(60, 70), slice(106, 112)) | cells(slice(55, 60), slice(106, 112))  # 40 odd, 20 plain, 30 table
    assert judge(VIEW, attention_to(mask), 0.1).hit is Hit.TABLE


def test_a_target_that_is_gone_or_hardly_in_view_does_not_count() -> None:
    gone = judge(drawn(targets=()), attention_to(ODD_CELLS), 0.1)
    assert (gone.hit, gone.targets_left, gone.targets_in_view) == (Hit.ORDINARY, 0, 0)
    sliver = judge(drawn(targets=(SLIVER,)), attention_to(None, AttentionState.CLEAR), 0.1)
    assert (sliver.targets_left, sliver.targets_in_view, sliver.false_clear, sliver.missed) == (1, 0, True, False)


def test_without_a_target_nothing_is_hit() -> None:
    record = judge(VIEW, attention_to(None, AttentionState.CANDIDATE, 0.3), 0.1)
    assert (record.state, record.score, record.hit, record.iou) == ("CANDIDATE", 0.3, Hit.NOTHING, None)
    refused = judge(VIEW, "VIEW_INCOMPLETE", 0.1)
    assert (refused.state, refused.score, refused.hit) == ("VIEW_INCOMPLETE", None, Hit.NOTHING)


def test_a_mask_is_laid_onto_the_heightmap_and_cut_off_at_its_border() -> None:
    mask = cells(slice(6, 30), slice(100, 110))
    np.testing.assert_array_equal(crop_mask(attention_to(mask), VIEW.heightmap.grid), mask)
    at_border = attention_to(mask)
    object.__setattr__(at_border, "crop", VIEW.heightmap.window(-10, -40, 112))
    shifted = crop_mask(at_border, VIEW.heightmap.grid)
    np.testing.assert_array_equal(shifted, np.roll(mask, (-16, -89), (0, 1)) & cells(slice(0, 14), slice(0, 200)))


def test_objects_are_matched_one_to_one_and_carry_the_truth() -> None:
    half = cells(slice(60, 65), slice(100, 110))  # 0.5 of the odd object
    less = cells(slice(60, 70), slice(121, 130))  # 0.45 of the plain one
    record = judge(VIEW, "VIEW_INCOMPLETE", 0.1, [SeenObject(half, 0.7), SeenObject(less, 0.2), SeenObject(half, 0.6)])
    assert record.objects_found == 1
    assert record.objects == (ObjectRecord(0.7, True), ObjectRecord(0.2, False), ObjectRecord(0.6, True))
    both = judge(VIEW, "VIEW_INCOMPLETE", 0.1, [SeenObject(PLAIN_CELLS, 0.1), SeenObject(ODD_CELLS, 0.9)])
    assert both.objects_found == 2
    merged = judge(VIEW, "VIEW_INCOMPLETE", 0.1, [SeenObject(PLAIN_CELLS | ODD_CELLS, 0.1)])
    assert (merged.objects_found, merged.objects) == (1, (ObjectRecord(0.1, False),))
    assert judge(VIEW, "VIEW_INCOMPLETE", 0.1, []).objects_found == 0


MODE = """
from types import SimpleNamespace
import numpy as np
from impurity_grasp_ros.errors import ViewIncompleteError
from impurity_grasp_ros.perception.where_to_act import attention_on
from impurity_grasp_ros.perception.target import Detection

def attend(heightmap, memory, config, belief):
    views = memory.views + 1 if memory else 1
    if views == 2 and heightmap.stamp == 2.0:
        raise ViewIncompleteError("expected more, received less")
    red = heightmap.color[..., 0] > heightmap.color[..., 1].astype(int) + 100
    attention = attention_on(heightmap, Detection(red, 0.5 + views / 10, red.astype(np.float32)), config, belief)
    blocks = (heightmap.height > 0.01) & ~red
    return attention, SimpleNamespace(views=views, objects=[(red, 0.75), (blocks, 0.125)])
"""


@pytest.fixture
def red_mode(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> str:
    """A mode in another package that tells objects apart, and counts its views."""
    info = tmp_path / "red-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: red\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[impurity_grasp.attentions]\nred = red_of_test:attend\n")
    (tmp_path / "red_of_test.py").write_text(MODE)
    monkeypatch.syspath_prepend(tmp_path)
    return "red"


def test_a_mode_keeps_its_memory_and_its_objects_are_judged(red_mode: str) -> None:
    seen: list[Judged] = []
    (frames,) = observe([drawn(step=0), drawn(step=1)], [red_mode], seen.append).values()
    assert [item.score for item in frames] == [0.6, 0.7]
    assert [item.step for item in frames] == [0, 1]
    assert [item.hit for item in frames] == [Hit.ODD] * 2
    assert [item.objects_found for item in frames] == [2, 2]
    assert frames[1].objects == (ObjectRecord(0.75, True), ObjectRecord(0.125, False))
    assert [item.record for item in seen] == list(frames)
    assert all(item.attention is not None and item.mode == red_mode for item in seen)


def test_a_refused_view_is_recorded_and_leaves_the_memory_as_it_was(red_mode: str) -> None:
    bad = drawn(step=1)
    object.__setattr__(bad.heightmap, "stamp", 2.0)
    seen: list[Judged] = []
    (frames,) = observe([drawn(), bad, drawn(step=2)], [red_mode], seen.append).values()
    assert [(item.state, item.score) for item in frames] == [
        ("TARGET", 0.6),
        ("VIEW_INCOMPLETE", None),
        ("TARGET", 0.7),
    ]
    assert frames[1].objects is frames[1].objects_found is None
    assert seen[1].attention is None


def test_every_mode_has_a_memory_of_its_own(red_mode: str) -> None:
    frames = observe([drawn(), drawn(step=1)], [red_mode, "whole"])
    assert list(frames) == [red_mode, "whole"]
    assert [item.state for item in frames["whole"]] == ["CANDIDATE"] * 2
    assert [item.objects for item in frames["whole"]] == [None] * 2
    assert [item.score for item in frames[red_mode]] == [0.6, 0.7]


def test_an_unknown_mode_is_refused() -> None:
    with pytest.raises(ConfigError, match="moon"):
        observe([], ["moon"])
