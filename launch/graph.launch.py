"""The nodes that are used both in simulation and on a real robot; included by sim.launch.py and real.launch.py."""

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_path
from launch import LaunchContext, LaunchDescription
from launch.actions import LogInfo, OpaqueFunction
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.graphs import Given, common
from impurity_grasp_ros.launch_arguments import GRAPH_ARGUMENTS
from impurity_grasp_ros.nodes.launching import declare, needed_node
from impurity_grasp_ros.resources import resource

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


def robot_and_camera(context: LaunchContext) -> list[Node | LogInfo]:
    """Return the publishers of the robot description and of the camera's calibrated pose."""
    cell = load_cell(context.launch_configurations["cell_file"])
    camera = cell.calibration
    pose = zip(("x", "y", "z", "qx", "qy", "qz", "qw"), (*camera.translation, *camera.quaternion_xyzw), strict=True)
    frames = ["--frame-id", "base_link", "--child-frame-id", camera.frame_id]
    values = [text for name, value in pose for text in (f"--{name}", str(value))]
    description = resource(cell.gripper_model.urdf).read_text()
    return [
        optional(
            "robot_state_publisher",
            "robot_state_publisher",
            namespace=LaunchConfiguration("namespace"),
            parameters=[{"robot_description": description, "use_sim_time": LaunchConfiguration("use_sim_time")}],
        ),
        optional("tf2_ros", "static_transform_publisher", arguments=[*frames, *values]),
    ]


def generate_launch_description() -> LaunchDescription:
    """Return the common nodes; the launch file that includes this one declares and checks all other arguments."""
    return LaunchDescription(
        [
            *declare(GRAPH_ARGUMENTS),
            *map(needed_node, common(Given("mover"))),
            OpaqueFunction(function=robot_and_camera),
            optional(
                "rviz2",
                "rviz2",
                namespace=LaunchConfiguration("namespace"),
                arguments=["-d", str(SHARE / "rviz" / "impurity_grasp.rviz")],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
