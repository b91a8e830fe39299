"""The whole system with a simulated robot, every node a process of its own."""

from ament_index_python.packages import get_package_share_path
from launch import LaunchDescription
from launch.actions import DeclareLaunchArgument, IncludeLaunchDescription
from launch.substitutions import LaunchConfiguration
from launch_ros.actions import Node
from launch_ros.parameter_descriptions import ParameterValue

SHARE = get_package_share_path("impurity_grasp")

ARGUMENTS = {
    "scene": ("random", "a scene of config/scenes, or a preset: path/to/scene.yaml"),
    "seed": ("0", "seed of the scene"),
    "gui": ("false", "open the simulator's window and move in real time"),
    "params_file": (str(SHARE / "config" / "impurity_grasp.yaml"), "parameters of all nodes"),
    "namespace": ("", "namespace of all nodes"),
    "use_sim_time": ("true", "take the time from the simulation's /clock"),
    "log_level": ("info", "debug, info, warn or error"),
}


def generate_launch_description() -> LaunchDescription:
    """Simulation bridge and the nodes that simulation and robot have in common."""
    scene = {
        "scene": LaunchConfiguration("scene"),
        "seed": ParameterValue(LaunchConfiguration("seed"), value_type=int),
        "gui": ParameterValue(LaunchConfiguration("gui"), value_type=bool),
        "use_sim_time": ParameterValue(LaunchConfiguration("use_sim_time"), value_type=bool),
    }
    bridge = Node(
        package="impurity_grasp",
        executable="bullet_bridge_node",
        namespace=LaunchConfiguration("namespace"),
        parameters=[LaunchConfiguration("params_file"), scene],
        ros_arguments=["--log-level", LaunchConfiguration("log_level")],
        output="screen",
    )
    return LaunchDescription(
        [
            *(
                DeclareLaunchArgument(name, default_value=default, description=text)
                for name, (default, text) in ARGUMENTS.items()
            ),
            bridge,
            IncludeLaunchDescription(
                str(SHARE / "launch" / "graph.launch.py"),
                launch_arguments={"refuse_repeated": "false"}.items(),  # the simulated camera has no noise
            ),
        ]
    )
