"""The gripper as one model: data sheet values, contradictions, other people's files."""

from __future__ import annotations

import math
from dataclasses import asdict, fields
from pathlib import Path

import pytest
import yaml
from cell_files import write_cell
from grippers import GRIPPER, WIDE_GRIPPER
from hypothesis import given
from hypothesis import strategies as st

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.gripper import GripperModel, load_gripper

every_gripper = pytest.mark.parametrize("gripper", [GRIPPER, WIDE_GRIPPER], ids=["2F-85", "2F-140"])


def test_stroke_length_and_pads_are_those_of_the_data_sheets() -> None:
    assert (GRIPPER.stroke, WIDE_GRIPPER.stroke) == (0.085, 0.140)
    assert (GRIPPER.tool_length, WIDE_GRIPPER.tool_length) == (pytest.approx(0.1628, abs=1e-4), 0.2328)
    assert (GRIPPER.tip_width, GRIPPER.pad_length) == (0.022, 0.0375)
    assert (WIDE_GRIPPER.tip_width, WIDE_GRIPPER.pad_length) == (0.027, 0.065)


def test_the_tips_of_the_2f85_rise_by_14_millimeters() -> None:
    assert GRIPPER.tip_rise(0.085) == pytest.approx(0.0136, abs=1e-4)
    assert GRIPPER.tip_rise(0.0) == pytest.approx(0.0, abs=1e-12)
    assert GRIPPER.knuckle_travel(0.085) == pytest.approx(0.0, abs=1e-5)
    assert GRIPPER.knuckle_travel(0.0) == pytest.approx(0.8)
    assert GRIPPER.fingers_width == pytest.approx(0.024)


@every_gripper
@given(share=st.floats(0.0, 1.0))
def test_travel_and_opening_are_inverse_to_each_other(gripper: GripperModel, share: float) -> None:
    opening = share * gripper.stroke
    assert gripper.pad_opening(gripper.knuckle_travel(opening)) == pytest.approx(opening, abs=1e-9)
    assert -3e-4 < gripper.tip_rise(opening) <= gripper.tip_rise(gripper.stroke)


@every_gripper
def test_no_opening_is_beyond_the_stroke(gripper: GripperModel) -> None:
    assert gripper.knuckle_travel(1.0) == gripper.knuckle_travel(gripper.stroke)
    assert gripper.knuckle_travel(-1.0) == gripper.knuckle_travel(0.0) == pytest.approx(gripper.closed_travel)


def written(folder: Path, **changes: float) -> Path:
    path = folder / "mine.yaml"
    path.write_text(yaml.safe_dump({**asdict(GRIPPER), **changes}), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("stroke", 0.08, r"stroke: expected 0\.0850 m as the linkage has it, received 0\.08 m"),
        ("tool_length", 0.17, r"tool_length: expected 0\.1628 m as the linkage has it, received 0\.17 m"),
        ("crank", 0.058, "stroke"),
        ("tip_length", 0.06, "tool_length"),
        ("tip_width", -0.022, "tip_width"),
        ("finger_time", math.nan, "finger_time"),
    ],
)
def test_dimensions_that_contradict_each_other_are_refused(
    tmp_path: Path, key: str, value: float, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_gripper(str(written(tmp_path, **{key: value})))


def test_a_stroke_may_be_rounded(tmp_path: Path) -> None:
    assert load_gripper(str(written(tmp_path, stroke=0.08505))).stroke == 0.08505


def test_every_dimension_has_to_be_named(tmp_path: Path) -> None:
    values = asdict(GRIPPER)
    for field in fields(GripperModel):
        path = tmp_path / f"{field.name}.yaml"
        path.write_text(yaml.safe_dump({key: value for key, value in values.items() if key != field.name}))
        with pytest.raises(ConfigError, match=f"{field.name}: missing"):
            load_gripper(str(path))


def test_an_unknown_gripper_is_named() -> None:
    with pytest.raises(ConfigError, match=r"config/grippers/robotiq_3f\.yaml"):
        load_gripper("robotiq_3f")


def test_a_cell_names_its_gripper_shipped_or_beside_it(tmp_path: Path) -> None:
    assert load_cell().gripper_model == GRIPPER
    assert load_cell(str(write_cell(tmp_path, gripper="robotiq_2f140"))).gripper_model == WIDE_GRIPPER
    other = tmp_path / "other"
    other.mkdir()
    written(other, finger_time=2.0)
    assert load_cell(str(write_cell(other, gripper="mine.yaml"))).gripper_model.finger_time == 2.0
