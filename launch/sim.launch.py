"""The whole system with a simulated robot; every node is a separate process."""

from ament_index_python.packages import get_package_share_path
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription

from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.launch_arguments import SIM_ARGUMENTS
from impurity_grasp_ros.nodes.launching import checked, needed_node

SHARE = get_package_share_path("impurity_grasp")


def generate_launch_description() -> LaunchDescription:
    """Return the simulation bridge and the common nodes."""
    graph = GRAPHS["sim"]
    common = IncludeLaunchDescription(
        str(SHARE / "launch" / "graph.launch.py"),
        launch_arguments={"mover": graph.nodes[0].executable, **graph.fixed}.items(),
    )
    return checked(__file__, SIM_ARGUMENTS, needed_node(graph.nodes[0]), common)
