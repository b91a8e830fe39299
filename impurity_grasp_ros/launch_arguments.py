"""Arguments of the launch files, and checks of the values that are given for them.

Nothing here needs ROS 2, so it can be tested anywhere; ``nodes/launching.py`` turns it into launch actions.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from itertools import pairwise
from pathlib import Path

from impurity_grasp_ros.cell import CELL_FILE
from impurity_grasp_ros.config import PARAMETERS_FILE, read_fresh_yaml
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import check_readable
from impurity_grasp_ros.resources import resource

BOOLEAN = ("true", "false", "True", "False")
LOG_LEVELS = ("debug", "info", "warn", "error", "fatal")
DISCOVERY = ("localhost", "subnet")
UR_RTDE, ROS2_CONTROL = DRIVERS = ("ur_rtde", "ros2_control")
"""How arm and gripper are reached: directly, or by controllers of ``ros2_control``."""

PREFIX = re.compile(r"([A-Za-z][\w/-]*)?", re.ASCII)
MAX_SEED = 2**53
MAX_FILE_BYTES = 1_000_000

PREFIXES = frozenset({"launch-prefix", "launch-prefix-filter"})
"""Options of ``ros2 launch`` itself that it passes on as arguments."""

LOCALHOST_ONLY_DISTRIBUTIONS = frozenset({"foxy", "galactic", "humble"})
"""Distributions older than ``ROS_AUTOMATIC_DISCOVERY_RANGE``; they limit discovery with another variable."""


@dataclass(frozen=True)
class LaunchArgument:
    """One argument of a launch file.

    Attributes:
        name: As given on the command line.
        default: The value when none is given.
        description: What the argument means.
        choices: The values accepted; empty for no restriction.
        kind: ``text``, ``count`` (a whole number from 0 to ``MAX_SEED``), ``prefix`` (of names of frames, or nothing),
            ``yaml`` (the path of a YAML file), or ``file`` (the path of any file, or nothing).
    """

    name: str
    default: str
    description: str
    choices: tuple[str, ...] = ()
    kind: str = "text"

    def check(self, value: str) -> None:
        """Check a value.

        Args:
            value: As given on the command line.

        Raises:
            ConfigError: The value is not valid; the message starts with this argument's name.
        """
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name}: expected one of {', '.join(self.choices)}, received {value!r}")
        if self.kind == "count" and not (value.isascii() and value.isdigit() and int(value) <= MAX_SEED):
            raise ConfigError(f"{self.name}: expected a whole number from 0 to {MAX_SEED}, received {value!r}")
        if self.kind == "prefix" and not PREFIX.fullmatch(value):
            raise ConfigError(f"{self.name}: expected letters, digits, _, - or /, first a letter, received {value!r}")
        if self.kind == "yaml":
            self._check_yaml(value)
        if self.kind == "file" and value:
            try:
                check_readable(Path(value).absolute(), MAX_FILE_BYTES)
            except OSError as error:
                raise ConfigError(f"{self.name}: expected a file: {error}") from error

    def _check_yaml(self, value: str) -> None:
        try:
            read_fresh_yaml(str(Path(value).absolute()))  # launch resolves it from the working directory
        except ConfigError as error:
            raise ConfigError(f"{self.name}: {error}") from error


CELL = LaunchArgument(
    "cell_file", str(resource(CELL_FILE)), "the cell, for heightmap, motion, simulation and TF alike", kind="yaml"
)
PARAMS_FILE = LaunchArgument("params_file", str(resource(PARAMETERS_FILE)), "parameters of all nodes", kind="yaml")
ORDINARY_MODEL = LaunchArgument(
    "ordinary_model",
    "",
    "a file that impurity-grasp teach has written: attention_node runs in mode objects and begins jobs with it",
    kind="file",
)
PATHS = (CELL.name, ORDINARY_MODEL.name)
"""Arguments whose paths start at the working directory of the launch."""


def _common(use_sim_time: str) -> tuple[LaunchArgument, ...]:
    return (
        PARAMS_FILE,
        CELL,
        ORDINARY_MODEL,
        LaunchArgument("record", "false", "record each job, see docs/recording.md", BOOLEAN),
        LaunchArgument("namespace", "", "namespace of all nodes"),
        LaunchArgument(
            "frame_prefix", "", "what the names of all frames but the camera's begin with, such as left_", kind="prefix"
        ),
        LaunchArgument("use_sim_time", use_sim_time, "take the time from /clock", BOOLEAN),
        LaunchArgument("log_level", "info", "lowest severity that is logged", LOG_LEVELS),
        LaunchArgument("discovery", "localhost", "range in which other nodes are discovered", DISCOVERY),
    )


VIEW_ARGUMENTS = (
    LaunchArgument("refuse_repeated", "true", "parameter of heightmap_node", BOOLEAN),
    LaunchArgument("drop_flying", "true", "parameter projection.drop_flying of heightmap_node", BOOLEAN),
)
GRAPH_ARGUMENTS = (
    LaunchArgument("rviz", "false", "open RViz", BOOLEAN),
    LaunchArgument("mover", "motion_node", "the node that moves the arm", ("motion_node", "bullet_bridge_node")),
    *VIEW_ARGUMENTS,
)
SIM_ARGUMENTS = (
    LaunchArgument("scene", "random", "name of a scene in config/scenes, or path of a preset, such as my/scene.yaml"),
    LaunchArgument("seed", "0", "seed of the scene", kind="count"),
    LaunchArgument("gui", "false", "open the simulator's window and run in real time", BOOLEAN),
    *_common("true"),
)
DRIVER = LaunchArgument("driver", UR_RTDE, "how arm and gripper are reached", DRIVERS)
REAL_ARGUMENTS = (
    DRIVER,
    LaunchArgument("robot_ip", "", "IP address of the robot controller"),
    LaunchArgument("dry_run", "false", "do everything except moving the arm", BOOLEAN),
    LaunchArgument("camera", "true", "start the RealSense camera driver", BOOLEAN),
    *_common("false"),
)
EMULATED_ARGUMENTS = (
    *SIM_ARGUMENTS[:2],
    DRIVER,
    LaunchArgument("controller", "cb3", "generation of the emulated controller", ("cb3", "e-series")),
    LaunchArgument("robot_ip", "127.0.0.1", "loopback address of the emulated controller"),
    LaunchArgument("dry_run", "false", "do everything except moving the arm", BOOLEAN),
    *_common("false"),
)

CAMERA_ARGUMENTS = {
    "align_depth.enable": "true",
    "enable_sync": "true",
    "initial_reset": "true",
    "publish_tf": "false",  # the calibration defines the optical frame, and a frame has only one parent
}
"""Launch arguments of the RealSense driver, besides its namespace."""


def check_values(arguments: Iterable[LaunchArgument], values: Mapping[str, str]) -> None:
    """Check the values of launch arguments.

    Args:
        arguments: The arguments that the launch file declares.
        values: Values by name; other names are ignored.

    Raises:
        ConfigError: A value is not valid; the message is about the first one.
    """
    for argument in arguments:
        if argument.name in values:
            argument.check(values[argument.name])


def check_names(known: Iterable[str], words: Iterable[str]) -> None:
    """Refuse arguments that no launch file declares: they are typing errors and would have no effect.

    Args:
        known: The declared names.
        words: Words of the command line; all but those of the form ``name:=value`` are ignored.

    Raises:
        ConfigError: A name is unknown; the message is about the first one and suggests a similar name.
    """
    names = sorted(set(known) | PREFIXES)
    for name in (word.partition(":=")[0] for word in words if ":=" in word):
        if name not in names:
            close = get_close_matches(name, names, 1)
            hint = f", perhaps {close[0]}" if close else ""
            raise ConfigError(f"{name}: unknown launch argument{hint}, expected one of {', '.join(names)}")


def discovery_variables(discovery: str, distribution: str) -> dict[str, str]:
    """Return the environment variables that set the range of discovery.

    Args:
        discovery: ``localhost`` or ``subnet``.
        distribution: Name of the ROS 2 distribution in lower case.

    Returns:
        Values by name of the variable.
    """
    if distribution in LOCALHOST_ONLY_DISTRIBUTIONS:
        return {"ROS_LOCALHOST_ONLY": "1" if discovery == "localhost" else "0"}
    return {"ROS_AUTOMATIC_DISCOVERY_RANGE": discovery.upper()}


def death_of_a_node(name: str, exit_code: int) -> str:
    """Return the message for the end of a node without which the others cannot work."""
    return f"expected {name} to keep running, received exit code {exit_code}: ending all nodes"


def check_parameter_files(words: Sequence[str]) -> None:
    """Check a node's parameter files, because ROS 2 reports bad ones only with a traceback.

    Args:
        words: Words of the node's command line.

    Raises:
        ConfigError: A parameter file is missing or malformed.
    """
    for option, file in pairwise(words):
        if option == "--params-file":
            PARAMS_FILE.check(file)
