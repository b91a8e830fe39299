"""Both launch files describe the graph that the documentation shows; needs a ROS 2 installation with launch."""

from pathlib import Path

import pytest

launch = pytest.importorskip("launch")
pytest.importorskip("launch_ros")

from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription  # noqa: E402
from launch.launch_description_sources import PythonLaunchDescriptionSource  # noqa: E402
from launch_ros.actions import Node  # noqa: E402

FOLDER = Path(__file__).resolve().parents[1] / "launch"
COMMON_NODES = {"heightmap_node", "attention_node", "policy_node", "picker_node"}
ARGUMENTS = {
    "sim": {"scene", "seed", "gui", "params_file", "namespace", "use_sim_time", "log_level"},
    "real": {"robot_ip", "dry_run", "camera", "params_file", "namespace", "use_sim_time", "log_level"},
}


def entities(name: str) -> list[launch.LaunchDescriptionEntity]:
    """What a launch file of this package describes, itself or in files that it includes."""
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
    assert set(declared) == ARGUMENTS[name] | {"rviz"}
    assert all(argument.description and argument.default_value is not None for argument in declared.values())


def test_simulation_and_robot_differ_by_who_moves_the_arm_alone() -> None:
    assert executables("real") == COMMON_NODES | {"motion_node"}
    assert executables("sim") == COMMON_NODES | {"bullet_bridge_node"}
