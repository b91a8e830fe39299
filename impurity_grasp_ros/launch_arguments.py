"""Arguments of the launch files: what there are, and what is wrong with those that were given.

Nothing here needs ROS 2, so that it is tested everywhere; ``nodes/launching.py`` makes launch actions of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from impurity_grasp_ros.cell import CELL_FILE
from impurity_grasp_ros.config import PARAMETERS_FILE, read_fresh_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource

BOOLEAN = ("true", "false", "True", "False")
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
DISCOVERY = ("localhost", "subnet")

MAX_SEED = 2**53

PREFIXES = frozenset({"launch-prefix", "launch-prefix-filter"})
"""Options of ``ros2 launch`` itself that it hands on as arguments."""

LOCALHOST_ONLY_DISTRIBUTIONS = frozenset({"foxy", "galactic", "humble"})
"""Those in which another variable keeps discovery on one machine; the newer one came after them."""


@dataclass(frozen=True)
class LaunchArgument:
    """One argument of a launch file. kind: text, count (a whole number from 0 on) or yaml (an existing file)."""

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()
    kind: str = "text"

    def check(self, value: str) -> None:
        """Raise ConfigError, with this argument's name, unless the value is one that it takes."""
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name}: expected one of {', '.join(self.choices)}, received {value!r}")
        if self.kind == "count" and not (value.isascii() and value.isdigit() and int(value) <= MAX_SEED):
            raise ConfigError(f"{self.name}: expected a whole number from 0 to {MAX_SEED}, received {value!r}")
        if self.kind == "yaml":
            self._check_file(value)

    def _check_file(self, value: str) -> None:
        try:
            read_fresh_yaml(str(Path(value).absolute()))  # launch takes it from the working directory
        except ConfigError as error:
            raise ConfigError(f"{self.name}: {error}") from error


CELL = LaunchArgument(
    "cell_file", str(resource(CELL_FILE)), "the cell, for map, motion, simulation and TF alike", kind="yaml"
)
PARAMS_FILE = LaunchArgument("params_file", str(resource(PARAMETERS_FILE)), "parameters of all nodes", kind="yaml")


def _common(use_sim_time: str) -> tuple[LaunchArgument, ...]:
    return (
        PARAMS_FILE,
        CELL,
        LaunchArgument("namespace", "", "namespace of all nodes"),
        LaunchArgument("use_sim_time", use_sim_time, "take the time from /clock", BOOLEAN),
        LaunchArgument("log_level", "info", "least severity of what is logged", LOG_LEVELS),
        LaunchArgument("discovery", "localhost", "how far away other nodes are found", DISCOVERY),
    )


GRAPH_ARGUMENTS = (
    LaunchArgument("rviz", "false", "open rviz", BOOLEAN),
    LaunchArgument("refuse_repeated", "true", "see heightmap_node", BOOLEAN),
)
SIM_ARGUMENTS = (
    LaunchArgument("scene", "random", "a scene of config/scenes, or a preset: path/to/scene.yaml"),
    LaunchArgument("seed", "0", "seed of the scene", kind="count"),
    LaunchArgument("gui", "false", "open the simulator's window and move in real time", BOOLEAN),
    *_common("true"),
)
REAL_ARGUMENTS = (
    LaunchArgument("robot_ip", "", "address of the robot's controller"),
    LaunchArgument("dry_run", "false", "everything but motion", BOOLEAN),
    LaunchArgument("camera", "true", "start the driver of a RealSense camera", BOOLEAN),
    *_common("false"),
)

CAMERA_ARGUMENTS = {
    "align_depth.enable": "true",
    "enable_sync": "true",
    "initial_reset": "true",
    "publish_tf": "false",  # the calibration says where the optical frame is, and a frame has one parent
}
"""What the RealSense driver is told, besides its namespace."""


def check_values(arguments: Iterable[LaunchArgument], values: Mapping[str, str]) -> None:
    """Refuse values of wrong types, files that are missing, and the like.

    Args:
        arguments: What the launch file takes.
        values: Text by name; names of others are left alone.

    Raises:
        ConfigError: With the first argument at fault, what was expected and what was received.
    """
    for argument in arguments:
        if argument.name in values:
            argument.check(values[argument.name])


def check_names(known: Iterable[str], words: Iterable[str]) -> None:
    """Refuse arguments that no launch file declares: they are mistyped, and would have no effect.

    Args:
        known: Names that are declared.
        words: Of the command line, ``name:=value``; others are left alone.

    Raises:
        ConfigError: With the first unknown name, and the one that may have been meant.
    """
    names = sorted(set(known) | PREFIXES)
    for name in (word.partition(":=")[0] for word in words if ":=" in word):
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f", perhaps {close[0]}" if close else ""
            raise ConfigError(f"{name}: unknown launch argument{hint}, expected one of {', '.join(names)}")


def discovery_variables(discovery: str, distribution: str) -> dict[str, str]:
    """Environment variables that set how far away other nodes are found.

    Args:
        discovery: ``localhost`` or ``subnet``.
        distribution: Name of the ROS 2 distribution, lower case.

    Returns:
        Values by variable.
    """
    if distribution in LOCALHOST_ONLY_DISTRIBUTIONS:
        return {"ROS_LOCALHOST_ONLY": "1" if discovery == "localhost" else "0"}
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": discovery.upper()}


def death_of_a_node(name: str, exit_code: int) -> str:
    """What is said when a node ends that the job needs."""
    return f"expected {name} to run as long as the others, it ended with exit code {exit_code}: ending all"


def check_parameter_files(words: Sequence[str]) -> None:
    """Refuse files of parameters that ROS 2 would end in a traceback over.

    Args:
        words: Of a node's command line.

    Raises:
        ConfigError: A file that is named there is missing or broken.
    """
    for option, file in pairwise(words):
        if option == "--params-file":
            PARAMS_FILE.check(file)
