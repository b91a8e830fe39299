"""Wrong arguments of the launch files are refused by name. Does not require launch."""

from __future__ import annotations

import ast
import os
from pathlib import Path

import pytest

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.launch_arguments import (
    CAMERA_ARGUMENTS,
    GRAPH_ARGUMENTS,
    PATHS,
    REAL_ARGUMENTS,
    SIM_ARGUMENTS,
    check_names,
    check_parameter_files,
    check_values,
    discovery_variables,
)

FOLDER = Path(__file__).resolve().parents[1] / "launch"
NAMES = [item.name for item in (*SIM_ARGUMENTS, *GRAPH_ARGUMENTS)]


@pytest.mark.parametrize("arguments", [SIM_ARGUMENTS, REAL_ARGUMENTS], ids=["sim", "real"])
def test_defaults_are_valid_and_names_are_told_apart(arguments: tuple) -> None:  # type: ignore[type-arg]
    check_values(arguments, {item.name: item.default for item in arguments})
    assert len({item.name for item in arguments}) == len(arguments)
    assert all(item.description for item in arguments)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("seed", "abc", "seed: expected a whole number from 0 to .*received 'abc'"),
        ("seed", "-1", "seed: expected a whole number"),
        ("seed", "1.5", "seed: expected a whole number"),
        ("seed", "²", "seed: expected a whole number"),
        ("log_level", "loud", "log_level: expected one of debug, info, warn, error, fatal, received 'loud'"),
        ("gui", "perhaps", "gui: expected one of true, false"),
        ("frame_prefix", "/left", "frame_prefix: expected letters, digits, .* first a letter, received '/left'"),
        ("discovery", "world", "discovery: expected one of localhost, subnet, received 'world'"),
        ("params_file", "/nowhere.yaml", "params_file: expected a file /nowhere.yaml"),
        ("params_file", "/dev/null", "params_file: .*expected a regular file, received a device"),
        ("ordinary_model", "/nowhere.json", "ordinary_model: expected a file: .*No such file"),
        ("ordinary_model", "/dev/zero", "ordinary_model: expected a file: expected a regular file, received a device"),
    ],
)
def test_a_value_that_does_not_fit_is_refused_with_the_arguments_name(name: str, value: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_values(SIM_ARGUMENTS, {name: value})


def test_a_file_of_parameters_is_taken_from_the_working_directory_and_must_be_yaml(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("own.yaml").write_text("/**/picker_node: {ros__parameters: {}}\n")
    check_values(SIM_ARGUMENTS, {"params_file": "own.yaml"})
    check_parameter_files(["--ros-args", "--params-file", "own.yaml", "-p", "a:=1"])
    Path("own.yaml").write_text("a: [")
    with pytest.raises(ConfigError, match=r"params_file: .*expected a readable YAML file"):
        check_values(SIM_ARGUMENTS, {"params_file": "own.yaml"})
    with pytest.raises(ConfigError, match=r"params_file: expected a file /nowhere\.yaml"):
        check_parameter_files(["--ros-args", "--params-file", "/nowhere.yaml"])


@pytest.mark.parametrize("arguments", [SIM_ARGUMENTS, REAL_ARGUMENTS], ids=["sim", "real"])
def test_a_model_of_ordinary_objects_may_be_given_and_starts_at_the_working_directory(
    arguments: tuple,  # type: ignore[type-arg]
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert {item.name: item.default for item in arguments}["ordinary_model"] == ""
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ConfigError, match="ordinary_model: expected a file"):
        check_values(arguments, {"ordinary_model": "goods.json"})
    Path("goods.json").write_text("{}")
    check_values(arguments, {"ordinary_model": "goods.json"})
    assert "ordinary_model" in PATHS


def test_values_of_other_launch_files_are_left_alone() -> None:
    check_values(SIM_ARGUMENTS, {"robot_ip": "anything", "serial_no": "abc"})


@pytest.mark.parametrize(
    ("word", "message"),
    [
        ("sed:=3", "sed: unknown launch argument, perhaps seed, expected one of .*scene, seed"),
        ("zzz:=3", "zzz: unknown launch argument, expected one of"),
        ("robot_ip:=1.2.3.4", "robot_ip: unknown launch argument"),
    ],
)
def test_an_argument_that_nobody_declares_is_refused_by_name(word: str, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        check_names(NAMES, ["seed:=3", word])


def test_declared_arguments_options_and_urls_in_values_pass() -> None:
    check_names(NAMES, ["seed:=3", "scene:=a:=b", "launch-prefix:=nice", "--debug", "rviz:=true"])


@pytest.mark.parametrize(
    ("discovery", "distribution", "variables"),
    [
        ("localhost", "kilted", {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}),
        ("subnet", "jazzy", {"ROS_AUTOMATIC_DISCOVERY_RANGE": "SUBNET"}),
        ("localhost", "", {"ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}),
        ("localhost", "humble", {"ROS_LOCALHOST_ONLY": "1"}),
        ("subnet", "humble", {"ROS_LOCALHOST_ONLY": "0"}),
    ],
)
def test_discovery_stays_on_this_machine_unless_asked_otherwise(
    discovery: str, distribution: str, variables: dict[str, str]
) -> None:
    assert discovery_variables(discovery, distribution) == variables


@pytest.mark.parametrize("arguments", [SIM_ARGUMENTS, REAL_ARGUMENTS], ids=["sim", "real"])
def test_by_default_discovery_stays_on_this_machine(arguments: tuple) -> None:  # type: ignore[type-arg]
    assert {item.name: item.default for item in arguments}["discovery"] == "localhost"


def test_the_camera_driver_leaves_the_cameras_frame_to_the_calibration() -> None:
    assert CAMERA_ARGUMENTS["publish_tf"] == "false"


@pytest.mark.parametrize("file", sorted(FOLDER.glob("*.launch.py")), ids=os.path.basename)
def test_a_launch_file_starts_nodes_of_this_package_as_needed_ones(file: Path) -> None:
    parts = list(ast.walk(ast.parse(file.read_text(encoding="utf-8"))))
    calls = [part for part in parts if isinstance(part, ast.Call)]
    plain = [ast.unparse(call) for call in calls if isinstance(call.func, ast.Name) and call.func.id == "Node"]
    assert not [call for call in plain if "impurity_grasp" in call]
    assert any(isinstance(part, ast.Name) and part.id == "needed_node" for part in parts)
