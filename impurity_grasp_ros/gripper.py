"""Model of the gripper, shared by planners, executor, kinematics, robot description and simulation."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from functools import cache

from impurity_grasp_ros.config import load, parameter
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.resources import resource

FOLDER = "config/grippers"
"""Folder of the shipped grippers, one file each."""

TOLERANCE = 1e-4
"""Largest difference in meters between dimensions that should agree, since they are rounded."""


@dataclass(frozen=True)
class GripperModel:
    """A two-finger gripper with parallelogram linkages: the pads stay parallel and swing inward on an arc.

    The tool center point is where the finger tips meet when closed. When open, they end higher, see :meth:`tip_rise`.

    Raises:
        ConfigError: The given stroke or length differs from that of the linkage.
    """

    urdf: str = parameter("robot description with this gripper; relative to this file, or to the package")
    stroke: float = parameter("m between the pads when fully open", low=0.01, high=0.3)
    tool_length: float = parameter("m from the flange to the tips of the closed fingers", low=0.05, high=0.5)
    crank: float = parameter("m, length of a finger's crank", low=0.01, high=0.3)
    open_angle: float = parameter("rad from the gripper's axis to the crank when fully open", low=0.0, high=1.5)
    closed_travel: float = parameter("rad of knuckle travel from fully open to fully closed", low=0.1, high=2.0)
    knuckle_x: float = parameter("m from the gripper's axis to a knuckle's axis", low=0.0, high=0.2)
    knuckle_z: float = parameter("m from the mounting face to a knuckle's axis", low=0.0, high=0.3)
    tip_length: float = parameter("m from a finger tip's joint to its end", low=0.01, high=0.3)
    tip_thickness: float = parameter("m, a finger tip's extent along the closing axis", low=0.002, high=0.05)
    tip_width: float = parameter("m, a finger tip's extent across the closing axis", low=0.005, high=0.1)
    pad_length: float = parameter("m, a rubber pad's extent along the finger", low=0.005, high=0.2)
    body_radius: float = parameter("m, cylinder that stands for the gripper's body", low=0.01, high=0.2)
    body_length: float = parameter("m, length of that cylinder from the mounting face", low=0.01, high=0.3)
    palm_length: float = parameter("m, extent of body and knuckles along the closing axis", low=0.02, high=0.5)
    palm_width: float = parameter("m, extent of body and knuckles across the closing axis", low=0.02, high=0.5)
    palm_clearance: float = parameter("m, lowest height of the palm above the tool center point", low=0.01, high=0.4)
    radius: float = parameter("m from the tool's axis to the open gripper's outermost point", low=0.02, high=0.3)
    finger_time: float = parameter("s that a full stroke nominally takes", low=0.1, high=10.0)

    def __post_init__(self) -> None:
        length = self.knuckle_z + self.crank * math.cos(self.open_angle - self.closed_travel) + self.tip_length
        for name, given, derived in (
            ("stroke", self.stroke, self.pad_opening(0.0)),
            ("tool_length", self.tool_length, length),
        ):
            if abs(given - derived) > TOLERANCE:
                raise ConfigError(f"{name}: expected {derived:.4f} m as the linkage has it, received {given:g} m")

    @property
    def fingers_width(self) -> float:
        """Meters that the closed fingers extend along the closing axis, which is perpendicular to a push."""
        return 2 * self.tip_thickness

    def knuckle_travel(self, opening: float) -> float:
        """Return the knuckle travel in radians at an opening in meters, which is limited to the stroke."""
        opening = min(max(opening, 0.0), self.stroke)
        closed = math.sin(self.open_angle - self.closed_travel)
        return self.open_angle - math.asin(closed + opening / (2.0 * self.crank))

    def pad_opening(self, travel: float) -> float:
        """Return the distance between the pads in meters at a knuckle travel in radians."""
        closed = math.sin(self.open_angle - self.closed_travel)
        return 2.0 * self.crank * (math.sin(self.open_angle - travel) - closed)

    def tip_rise(self, opening: float) -> float:
        """Return the height in meters of the finger tips above the tool center point at an opening in meters."""
        crank_angle = self.open_angle - self.knuckle_travel(opening)
        return self.crank * (math.cos(self.open_angle - self.closed_travel) - math.cos(crank_angle))


@cache
def load_gripper(name: str) -> GripperModel:
    """Load a gripper; cached.

    Args:
        name: A shipped gripper such as ``robotiq_2f85``, or the path of a YAML file.

    Returns:
        The gripper; the path of a description that lies beside its file is absolute.

    Raises:
        ConfigError: There is no such gripper, or its file is not valid.
    """
    file = name if name.endswith((".yaml", ".yml")) else f"{FOLDER}/{name}.yaml"
    gripper = load(GripperModel, file)
    beside = resource(file).parent / gripper.urdf
    return replace(gripper, urdf=str(beside)) if beside.is_file() else gripper
