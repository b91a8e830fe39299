"""Configuration is checked completely when it is loaded; error messages name the key."""

import math
from dataclasses import dataclass
from typing import Any

import pytest

from impurity_grasp_ros.config import from_mapping, packaged_parameters, parameter, parameter_specs, read_yaml
from impurity_grasp_ros.errors import ConfigError


@dataclass(frozen=True)
class Camera:
    width_px: int = parameter("columns", low=1, high=4096)
    frame: str = parameter("optical frame", choices=("left", "right"))


@dataclass(frozen=True)
class Cell:
    camera: Camera
    speed: float = parameter("m/s", low=0.0, high=1.0)
    enabled: bool = parameter("whether to move at all")
    corner: tuple[float, float] = parameter("m", low=-1.0, high=1.0)
    joints: tuple[int, ...] = parameter("any number")


def values(**changes: Any) -> dict[str, Any]:
    camera = {"width_px": 640, "frame": "left"}
    cell = {"camera": camera, "speed": 0.5, "enabled": True, "corner": [0.25, -0.5], "joints": [1, 2, 3]}
    return cell | changes


def test_nested_mappings_become_nested_dataclasses() -> None:
    assert from_mapping(Cell, values()) == Cell(Camera(640, "left"), 0.5, True, (0.25, -0.5), (1, 2, 3))


def test_an_unknown_key_is_rejected_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match=r"^sped: unknown key.*speed"):
        from_mapping(Cell, values(sped=0.5))


@pytest.mark.parametrize("key", values())
def test_a_missing_key_is_rejected(key: str) -> None:
    remaining = {name: value for name, value in values().items() if name != key}
    with pytest.raises(ConfigError, match=rf"^{key}: missing"):
        from_mapping(Cell, remaining)


def test_a_fault_in_a_nested_section_is_named_by_its_dotted_path() -> None:
    with pytest.raises(ConfigError, match=r"^cell\.camera\.width_px: expected int, received 'wide'"):
        from_mapping(Cell, values(camera={"width_px": "wide", "frame": "left"}), "cell.")


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("speed", "fast"),
        ("speed", None),
        ("speed", True),
        ("enabled", 1),
        ("corner", 0.25),
        ("corner", ["a", "b"]),
        ("joints", [1, 2.5]),
        ("joints", [True]),
        ("camera", 640),
    ],
)
def test_a_value_of_the_wrong_type_is_rejected(key: str, value: Any) -> None:
    with pytest.raises(ConfigError, match=rf"^{key}\.?: expected .*received"):
        from_mapping(Cell, values(**{key: value}))


def test_a_bool_is_not_accepted_for_an_int() -> None:
    with pytest.raises(ConfigError, match="expected int, received True"):
        from_mapping(Camera, {"width_px": True, "frame": "left"})


def test_an_int_is_accepted_for_a_float_and_becomes_one() -> None:
    cell = from_mapping(Cell, values(speed=1, corner=[0, 1]))
    assert [type(value) for value in (cell.speed, *cell.corner)] == [float, float, float]


@pytest.mark.parametrize("speed", [-0.01, 1.01, math.inf, math.nan])
def test_a_value_out_of_range_is_rejected_with_the_range(speed: float) -> None:
    with pytest.raises(ConfigError, match=r"speed: expected a value in \[0\.0, 1\.0\]"):
        from_mapping(Cell, values(speed=speed))


@pytest.mark.parametrize("speed", [0.0, 1.0])
def test_the_ends_of_a_range_belong_to_it(speed: float) -> None:
    assert from_mapping(Cell, values(speed=speed)).speed == speed


def test_the_range_of_a_tuple_holds_for_each_element() -> None:
    with pytest.raises(ConfigError, match=r"^corner: expected a value in"):
        from_mapping(Cell, values(corner=[0.0, 1.5]))


@pytest.mark.parametrize("corner", [[], [0.0], [0.0, 0.0, 0.0]])
def test_a_tuple_of_the_wrong_length_is_rejected(corner: list[float]) -> None:
    with pytest.raises(ConfigError, match=r"^corner: expected a list of 2 values"):
        from_mapping(Cell, values(corner=corner))


@pytest.mark.parametrize("joints", [[], [1], [1, 2, 3, 4]])
def test_an_open_ended_tuple_takes_any_length(joints: list[int]) -> None:
    assert from_mapping(Cell, values(joints=joints)).joints == tuple(joints)


def test_a_value_that_is_not_among_the_choices_is_rejected() -> None:
    with pytest.raises(ConfigError, match="frame: expected one of left, right, received 'top'"):
        from_mapping(Camera, {"width_px": 640, "frame": "top"})


def test_the_specs_list_every_leaf_in_order_with_dotted_names() -> None:
    names = [spec.name for spec in parameter_specs(Cell)]
    assert names == ["camera.width_px", "camera.frame", "speed", "enabled", "corner", "joints"]


def test_a_file_that_does_not_ship_is_reported() -> None:
    with pytest.raises(ConfigError, match=r"config/absent\.yaml"):
        read_yaml("config/absent.yaml")


def test_a_node_without_a_section_is_reported() -> None:
    with pytest.raises(ConfigError, match="/absent_node"):
        packaged_parameters("absent_node", Camera)
