"""The nodes that simulation and robot have in common; included by sim.launch.py and real.launch.py."""

from ament_index_python.packages import PackageNotFoundError, get_package_prefix, get_package_share_path
from launch import LaunchDescription
from launch.actions import LogInfo
from launch.conditions import IfCondition
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

from impurity_grasp_ros.calibration import load_calibration
from impurity_grasp_ros.launch_arguments import GRAPH_ARGUMENTS
from impurity_grasp_ros.nodes.launching import declare, needed_node

SHARE = get_package_share_path("impurity_grasp")
NODES = ("heightmap_node", "attention_node", "policy_node", "picker_node")


def installed(package: str) -> bool:
    """Whether a ROS package is there."""
    try:
        get_package_prefix(package)
    except PackageNotFoundError:
        return False
    return True


def optional(package: str, executable: str, **options) -> Node | LogInfo:
    """A node of another package, or a line that says that it is missing."""
    if installed(package):
        enclave = ["--enclave", f"/impurity_grasp/{executable}"]
        return Node(package=package, executable=executable, ros_arguments=enclave, **options)
    return LogInfo(msg=f"{package} is not installed: going on without {executable}", condition=options.get("condition"))


def generate_launch_description() -> LaunchDescription:
    """Arguments besides its own are declared, and checked, by the launch files that include this one."""
    set_here = {
        name: ParameterValue(LaunchConfiguration(name), value_type=bool) for name in ("use_sim_time", "refuse_repeated")
    }
    camera = load_calibration()
    pose = zip(("x", "y", "z", "qx", "qy", "qz", "qw"), (*camera.translation, *camera.quaternion_xyzw), strict=True)
    frames = ["--frame-id", "base_link", "--child-frame-id", camera.frame_id]
    return LaunchDescription(
        [
            *declare(GRAPH_ARGUMENTS),
            *(needed_node(name, [set_here]) for name in NODES),
            optional(
                "robot_state_publisher",
                "robot_state_publisher",
                namespace=LaunchConfiguration("namespace"),
                parameters=[
                    {
                        "robot_description": (SHARE / "urdf" / "ur5_robotiq_2f85.urdf").read_text(),
                        "use_sim_time": LaunchConfiguration("use_sim_time"),
                    }
                ],
            ),
            optional(
                "tf2_ros",
                "static_transform_publisher",
                arguments=[*frames, *(text for name, value in pose for text in (f"--{name}", str(value)))],
            ),
            optional(
                "rviz2",
                "rviz2",
                namespace=LaunchConfiguration("namespace"),
                arguments=["-d", str(SHARE / "rviz" / "impurity_grasp.rviz")],
                condition=IfCondition(LaunchConfiguration("rviz")),
            ),
        ]
    )
