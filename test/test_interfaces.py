"""The interface files agree with the Python types and document their fields."""

import re
import xml.etree.ElementTree as ElementTree
from enum import Enum
from pathlib import Path

import pytest

import impurity_grasp_ros
from impurity_grasp_ros.datatypes import AttentionState, OutcomeStatus, PrimitiveKind
from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError
from impurity_grasp_ros.perception.teaching import What

ROOT = Path(__file__).resolve().parents[1]
INTERFACES = sorted(path for kind in ("msg", "srv", "action") for path in (ROOT / kind).iterdir())

CONSTANT = re.compile(r"^\w+ (\w+)=(\d+)", re.MULTILINE)
FIELD = re.compile(r"^(?P<type>[\w/]+)(\[\])? \w+\s*(?P<comment>#.*)?$")
NEEDS_A_UNIT = re.compile(r"float32|float64|(geometry|sensor|std)_msgs/.*|builtin_interfaces/Duration")


@pytest.mark.parametrize(
    ("message", "enum"),
    [
        ("ErrorCode", ErrorCode),
        ("Attention", AttentionState),
        ("Primitive", PrimitiveKind),
        ("Attempt", OutcomeStatus),
        ("Teach", What),
    ],
)
def test_the_constants_of_an_interface_are_the_members_of_its_enum(message: str, enum: type[Enum]) -> None:
    (path,) = (path for path in INTERFACES if path.stem == message)
    constants = CONSTANT.findall(path.read_text(encoding="utf-8"))
    assert {name: int(value) for name, value in constants} == {member.name: member.value for member in enum}


def test_every_error_has_a_code_of_its_own() -> None:
    codes = [error.code for error in ImpurityGraspError.__subclasses__()]
    assert len(set(codes)) == len(codes)
    assert ErrorCode.NONE not in codes


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.stem)
def test_an_interface_says_what_it_is_for(path: Path) -> None:
    assert path.read_text(encoding="utf-8").startswith("# ")


@pytest.mark.parametrize("path", INTERFACES, ids=lambda path: path.stem)
def test_every_quantity_has_a_unit_or_a_meaning(path: Path) -> None:
    fields = filter(None, map(FIELD.match, path.read_text(encoding="utf-8").splitlines()))
    bare = [field[0] for field in fields if NEEDS_A_UNIT.fullmatch(field["type"]) and not field["comment"]]
    assert not bare


def test_the_ros_package_and_the_python_package_have_one_version() -> None:
    version = ElementTree.parse(ROOT / "package.xml").findtext("version")
    assert version == impurity_grasp_ros.__version__
