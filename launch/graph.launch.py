"""The nodes that are used both in simulation and on a real robot; included by sim.launch.py and real.launch.py."""

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_path
from launch import LaunchDescription
from launch.actions import LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from impurity_grasp_ros.graphs import Given, common
from impurity_grasp_ros.launch_arguments import GRAPH_ARGUMENTS
from impurity_grasp_ros.nodes.launching import declare, needed_node
from impurity_grasp_ros.nodes.stamps import BASE_FRAME

SHARE = get_package_share_path("impurity_grasp")


def installed(package: str) -> bool:
    """Whether a ROS package is installed."""
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def optional(package: str, executable: str, **options) -> Node | LogInfo:
    """Return a node of another package, or a log message if the package is not installed."""
    if installed(package):
        enclave = ["--enclave", f"/impurity_grasp/{executable}"]
        return Node(package=package, executable=executable, ros_arguments=enclave, **options)
    return LogInfo(
        msg=f"{package} is not installed: continuing without {executable}", condition=options.get("condition")
    )


def generate_launch_description() -> LaunchDescription:
    """Return the common nodes; the launch file that includes this one declares and checks all other arguments."""
    fixed_frame = [LaunchConfiguration("frame_prefix"), BASE_FRAME]
    return LaunchDescription(
        [
            *declare(GRAPH_ARGUMENTS),
            *map(needed_node, common(Given("mover"))),
            optional(
                "rviz2",
                "rviz2",
                namespace=LaunchConfiguration("namespace"),
                arguments=["-d", str(SHARE / "rviz" / "impurity_grasp.rviz"), "-f", fixed_frame],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
