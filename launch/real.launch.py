"""The system beside a real robot: camera driver and the nodes that simulation and robot have in common."""

from ament_index_python.packages import PackageNotFoundError, get_package_share_path
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription, LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration

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


def generate_launch_description() -> LaunchDescription:
    """Camera driver and the common nodes."""
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            camera_driver(),
            IncludeLaunchDescription(str(SHARE / "launch" / "graph.launch.py")),
        ]
    )
