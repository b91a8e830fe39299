"""The system on a real robot: camera driver, motion node, and the nodes that are also used in simulation."""

from ament_index_python.packages import PackageNotFoundError, get_package_share_path
from launch import LaunchDescription
from launch.actions import IncludeLaunchDescription, LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration

from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.launch_arguments import CAMERA_ARGUMENTS, REAL_ARGUMENTS
from impurity_grasp_ros.nodes.launching import checked, needed_node

SHARE = get_package_share_path("impurity_grasp")


def camera_driver() -> IncludeLaunchDescription | LogInfo:
    """Return the RealSense driver, with depth aligned to color, or a log message if it is not installed."""
    wanted = IfCondition(LaunchConfiguration("camera"))
    try:
        driver = get_package_share_path("realsense2_camera") / "launch" / "rs_launch.py"
    except PackageNotFoundError:
        return LogInfo(msg="realsense2_camera is not installed: continuing without the camera driver", condition=wanted)
    arguments = {"camera_namespace": [LaunchConfiguration("namespace"), "/camera"], **CAMERA_ARGUMENTS}
    return IncludeLaunchDescription(str(driver), launch_arguments=arguments.items(), condition=wanted)


def generate_launch_description() -> LaunchDescription:
    """Return the camera driver, the motion node and the common nodes."""
    common = IncludeLaunchDescription(str(SHARE / "launch" / "graph.launch.py"))
    return checked(__file__, REAL_ARGUMENTS, camera_driver(), needed_node(GRAPHS["real"].nodes[0]), common)
