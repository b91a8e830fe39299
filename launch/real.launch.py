"""The system beside a real robot: camera driver, the node that moves the arm, and the nodes common with simulation."""

from ament_index_python.packages import PackageNotFoundError, get_package_share_path
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = get_package_share_path("impurity_grasp")

ARGUMENTS = {
    "robot_ip": ("", "address of the robot's controller"),
    "dry_run": ("false", "everything but motion"),
    "camera": ("true", "start the driver of a RealSense camera"),
    "params_file": (str(SHARE / "config" / "impurity_grasp.yaml"), "parameters of all nodes"),
    "namespace": ("", "namespace of all nodes"),
    "use_sim_time": ("false", "take the time from /clock, to replay a recording"),
    "log_level": ("info", "debug, info, warn or error"),
}
CAMERA_ARGUMENTS = {
    "camera_namespace": [LaunchConfiguration("namespace"), "/camera"],
    "align_depth.enable": "true",
    "enable_sync": "true",
    "initial_reset": "true",
}


def camera_driver() -> IncludeLaunchDescription | LogInfo:
    """The driver of a RealSense camera with depth aligned to colour, or a line that says that it is missing."""
    wanted = IfCondition(LaunchConfiguration("camera"))
    try:
        driver = get_package_share_path("realsense2_camera") / "launch" / "rs_launch.py"
    except PackageNotFoundError:
        return LogInfo(msg="realsense2_camera is not installed: going on without the camera driver", condition=wanted)
    return IncludeLaunchDescription(str(driver), launch_arguments=CAMERA_ARGUMENTS.items(), condition=wanted)


def motion_node() -> Node:
    """The node that moves the arm."""
    robot = {
        "robot_ip": ParameterValue(LaunchConfiguration("robot_ip"), value_type=str),
        "dry_run": ParameterValue(LaunchConfiguration("dry_run"), value_type=bool),
        "use_sim_time": LaunchConfiguration("use_sim_time"),
    }
    return Node(
        package="impurity_grasp",
        executable="motion_node",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), robot],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )


def generate_launch_description() -> LaunchDescription:
    """Camera driver, motion node and the common nodes."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            camera_driver(),
            motion_node(),
            IncludeLaunchDescription(str(SHARE / "launch" / "graph.launch.py")),
        ]
    )
