"""The whole system with a simulated robot; every node is a separate process."""

from ament_index_python.packages import get_package_share_path
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.parameter_descriptions import ParameterValue

from impurity_grasp_ros.launch_arguments import SIM_ARGUMENTS
from impurity_grasp_ros.nodes.launching import checked, needed_node

SHARE = get_package_share_path("impurity_grasp")


def generate_launch_description() -> LaunchDescription:
    """Return the simulation bridge and the common nodes."""
    scene = {
        "cell_file": LaunchConfiguration("cell_file"),
        "scene": ParameterValue(LaunchConfiguration("scene"), value_type=str),
        "seed": ParameterValue(LaunchConfiguration("seed"), value_type=int),
        "gui": ParameterValue(LaunchConfiguration("gui"), value_type=bool),
        "use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool),
    }
    common = IncludeLaunchDescription(
        str(SHARE / "launch" / "graph.launch.py"),
        launch_arguments={  # the simulated camera has neither noise nor flying pixels
            "mover": "bullet_bridge_node",
            "refuse_repeated": "false",
            "drop_flying": "false",
        }.items(),
    )
    return checked(__file__, SIM_ARGUMENTS, needed_node("bullet_bridge_node", [scene]), common)
