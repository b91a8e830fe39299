"""Both launch files start the documented graph, and end with an error if an argument is wrong or a node dies.

Requires a ROS 2 installation with launch.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from cell_files import write_cell
from dds import unused_domain

launch = pytest.importorskip("launch")
pytest.importorskip("launch_ros")

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, OpaqueFunction  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch_ros.actions import Node  # noqa: E402
from launch_ros.utilities import evaluate_parameters  # noqa: E402

from impurity_grasp_ros.launch_arguments import REAL_ARGUMENTS  # noqa: E402

FOLDER = Path(__file__).resolve().parents[1] / "launch"
COMMON_NODES = {"manager_node", "heightmap_node", "attention_node", "policy_node", "picker_node", "recording_node"}
ARGUMENTS = {
    "sim": {"scene", "seed", "gui"},
    "real": {"driver", "robot_ip", "dry_run", "camera"},
}
COMMON_ARGUMENTS = {
    *("params_file", "cell_file", "ordinary_model", "record", "namespace", "frame_prefix"),
    *("use_sim_time", "log_level", "discovery"),
}
START = """
import sys
from launch import LaunchDescription, LaunchService
from launch.actions import IncludeLaunchDescription

words = sys.argv[2:]
service = LaunchService(argv=words)
arguments = [tuple(word.split(":=", 1)) for word in words]
included = IncludeLaunchDescription(sys.argv[1], launch_arguments=arguments)
service.include_launch_description(LaunchDescription([included]))
sys.exit(service.run())
"""


def entities(name: str) -> list[launch.LaunchDescriptionEntity]:
    """The entities of a launch file of this package, including those of the files that it includes."""
    sources = [PythonLaunchDescriptionSource(str(FOLDER / f"{name}.launch.py"))]
    found: list[launch.LaunchDescriptionEntity] = []
    while sources:
        described = sources.pop().get_launch_description(launch.LaunchContext()).entities
        sources += [
            entity.launch_description_source for entity in described if isinstance(entity, IncludeLaunchDescription)
        ]
        found += described
    return found


def executables(name: str) -> set[str]:
    """The executables of this package that a launch file starts."""
    nodes = [entity for entity in entities(name) if isinstance(entity, Node)]
    return {node.node_executable for node in nodes if node.node_package == "impurity_grasp"}


@pytest.mark.parametrize("name", ["sim", "real"])
def test_a_launch_file_declares_its_arguments_with_defaults_and_descriptions(name: str) -> None:
    declared = {entity.name: entity for entity in entities(name) if isinstance(entity, DeclareLaunchArgument)}
    assert set(declared) == ARGUMENTS[name] | COMMON_ARGUMENTS | {"rviz", "mover", "refuse_repeated", "drop_flying"}
    assert all(argument.description and argument.default_value is not None for argument in declared.values())


def test_simulation_and_robot_differ_only_in_the_node_that_moves_the_arm() -> None:
    assert executables("real") == COMMON_NODES | {"motion_node"}
    assert executables("sim") == COMMON_NODES | {"bullet_bridge_node"}


def launched(folder: Path, name: str, *words: str) -> subprocess.CompletedProcess[str]:
    """Run a launch file with arguments, as ``ros2 launch`` does."""
    variables = os.environ | {"ROS_DOMAIN_ID": str(unused_domain()), "ROS_LOG_DIR": str(folder)}
    command = [sys.executable, "-c", START, str(FOLDER / f"{name}.launch.py"), *words]
    return subprocess.run(command, env=variables, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize(
    ("name", "word", "message"),
    [
        ("sim", "seed:=abc", "seed: expected a whole number"),
        ("sim", "sed:=3", "sed: unknown launch argument, perhaps seed"),
        ("sim", "log_level:=loud", '"log_level" provided value "loud"'),
        ("real", "params_file:=/nowhere.yaml", "params_file: expected a file /nowhere.yaml"),
        ("sim", "cell_file:=/nowhere.yaml", "cell_file: expected a file /nowhere.yaml"),
        ("real", "ordinary_model:=/nowhere.json", "ordinary_model: expected a file"),
        ("real", "discovery:=world", '"discovery" provided value "world"'),
    ],
)
def test_a_wrong_argument_ends_the_launch_by_name_before_anything_starts(
    tmp_path: Path, name: str, word: str, message: str
) -> None:
    done = launched(tmp_path, name, word)
    assert done.returncode == 1
    said = done.stdout + done.stderr
    assert message in said
    assert "process started" not in said
    assert "Traceback" not in said


@pytest.mark.ros
@pytest.mark.parametrize("record", ["true", "false"])
def test_jobs_are_recorded_only_if_that_is_wanted(tmp_path: Path, record: str) -> None:
    done = launched(tmp_path, "sim", "scene:=moon", f"record:={record}")
    assert ("[recording_node" in done.stdout + done.stderr) == (record == "true")


@pytest.mark.ros
def test_the_launch_ends_with_an_error_when_a_needed_node_dies(tmp_path: Path) -> None:
    done = launched(tmp_path, "sim", "scene:=moon")
    said = done.stdout + done.stderr
    assert done.returncode == 1
    assert "expected manager_node to keep running, received exit code 1" in said
    assert "UNKNOWN_SCENE" in said
    assert said.count("process started") == said.count("process has finished cleanly") + 1


@pytest.mark.parametrize(("word", "expected"), [("discovery:=localhost", "LOCALHOST"), ("discovery:=subnet", "SUBNET")])
def test_nodes_get_the_discovery_range_and_the_process_whose_end_ends_them(word: str, expected: str) -> None:
    context = launch.LaunchContext(argv=[word])
    context.launch_configurations.update({item.name: item.default for item in REAL_ARGUMENTS})
    context.launch_configurations.update([word.split(":=")])
    real = PythonLaunchDescriptionSource(str(FOLDER / "real.launch.py")).get_launch_description(context)
    (check,) = [item for item in real.entities if isinstance(item, OpaqueFunction)]
    for action in check.execute(context) or []:
        action.execute(context)
    assert context.environment["ROS_AUTOMATIC_DISCOVERY_RANGE"] == expected
    assert context.environment["IMPURITY_GRASP_SUPERVISOR"] == str(os.getpid())


def started(context: launch.LaunchContext, name: str) -> list[dict[str, object]]:
    """Parameters of the nodes of this name that are started, apart from those of files."""
    graph = PythonLaunchDescriptionSource(str(FOLDER / "graph.launch.py")).get_launch_description(context)
    nodes = [item for item in graph.entities if isinstance(item, Node) and item.node_executable == name]
    found = []
    for node in nodes:
        if node.condition is None or node.condition.evaluate(context):
            given = evaluate_parameters(context, node._Node__parameters)
            found.append({key: value for item in given if isinstance(item, dict) for key, value in item.items()})
    return found


@pytest.mark.parametrize("model", ["", "goods.json"])
def test_with_a_model_of_ordinary_objects_attention_runs_in_mode_objects(model: str) -> None:
    context = launch.LaunchContext()
    context.launch_configurations.update({item.name: item.default for item in REAL_ARGUMENTS})
    context.launch_configurations["ordinary_model"] = model
    (parameters,) = started(context, "attention_node")
    taught = {name: parameters.get(name) for name in ("mode", "objects.ordinary_model")}
    assert taught == ({"mode": "objects", "objects.ordinary_model": model} if model else dict.fromkeys(taught))


def test_a_relative_path_starts_at_the_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "goods.json").write_text("{}")
    context = launch.LaunchContext(argv=["ordinary_model:=goods.json"])
    context.launch_configurations.update({item.name: item.default for item in REAL_ARGUMENTS})
    context.launch_configurations["ordinary_model"] = "goods.json"
    real = PythonLaunchDescriptionSource(str(FOLDER / "real.launch.py")).get_launch_description(context)
    (check,) = [item for item in real.entities if isinstance(item, OpaqueFunction)]
    check.execute(context)
    assert context.launch_configurations["ordinary_model"] == str(tmp_path / "goods.json")


def test_a_launch_whose_cell_has_no_calibration_says_so(tmp_path: Path) -> None:
    cell = write_cell(tmp_path, camera_calibration="/nowhere/camera.yaml")
    done = launched(tmp_path, "sim", f"cell_file:={cell}")
    assert done.returncode == 1
    assert "expected a file /nowhere/camera.yaml" in done.stdout + done.stderr
