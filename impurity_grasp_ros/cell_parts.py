"""Parts of a cell: the values of ``config/cell.yaml``, each with its unit and range."""

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Grid
from impurity_grasp_ros.gripper import GripperModel, load_gripper


@dataclass(frozen=True)
class WorkspaceConfig:
    """The square that the heightmap covers: 224 x 224 cells."""

    x_min: float = parameter("m", low=-2.0, high=2.0)
    y_min: float = parameter("m", low=-2.0, high=2.0)
    resolution: float = parameter("m, edge of a cell; the shipped networks know 0.002 only", low=0.0012, high=0.003)

    @property
    def grid(self) -> Grid:
        """The cells of the heightmap."""
        return Grid(self.x_min, self.y_min, resolution=self.resolution)


@dataclass(frozen=True)
class ReachConfig:
    """Box that contains all commanded tool positions, in ``base_link``."""

    x_min: float = parameter("m", low=-1.0, high=1.0)
    x_max: float = parameter("m", low=-1.0, high=1.0)
    y_min: float = parameter("m", low=-1.0, high=1.0)
    y_max: float = parameter("m", low=-1.0, high=1.0)
    z_min: float = parameter("m, lowest tool height; the table is at 0", low=0.0, high=0.1)
    z_max: float = parameter("m", low=0.1, high=1.0)

    def contains(self, x: float, y: float, z: float) -> bool:
        """Return whether a position in meters lies in the box."""
        return self.x_min <= x <= self.x_max and self.y_min <= y <= self.y_max and self.z_min <= z <= self.z_max


@dataclass(frozen=True)
class DropBinConfig:
    """The drop bin: an open box on the table."""

    x: float = parameter("m, center", low=-1.0, high=1.0)
    y: float = parameter("m, center", low=-1.0, high=1.0)
    size_x: float = parameter("m, inside", low=0.1, high=0.6)
    size_y: float = parameter("m, inside", low=0.1, high=0.6)
    wall_height: float = parameter("m", low=0.0, high=0.15)

    def contains(self, x: float, y: float) -> bool:
        """Return whether a position in meters lies over the inside of the bin."""
        return abs(x - self.x) <= self.size_x / 2 and abs(y - self.y) <= self.size_y / 2


@dataclass(frozen=True)
class MotionConfig:
    """Speeds, forces and deadlines of the primitives."""

    transit_height: float = parameter("m, tool height at which the arm crosses the workspace", low=0.12, high=0.40)
    release_height: float = parameter("m, tool height over the drop bin", low=0.08, high=0.40)
    joint_speed: float = parameter("rad/s of base, shoulder and elbow in free motion", low=0.05, high=3.0)
    wrist_speed: float = parameter("rad/s of the three wrist joints in free motion", low=0.05, high=3.0)
    joint_acceleration: float = parameter("rad/s2 of the leading axis", low=0.1, high=15.0)
    max_tool_speed: float = parameter("m/s, limit of the tool in free motion", low=0.1, high=1.5)
    descend_speed: float = parameter("m/s", low=0.01, high=0.5)
    push_speed: float = parameter("m/s", low=0.01, high=0.5)
    lift_speed: float = parameter("m/s", low=0.01, high=0.8)
    contact_speed: float = parameter("m/s where contact is expected", low=0.005, high=0.1)
    descend_end: float = parameter("m, last part of a descent, at the contact speed", low=0.0, high=0.05)
    push_start: float = parameter("m, first part of a push, at the contact speed", low=0.0, high=0.05)
    linear_acceleration: float = parameter("m/s2", low=0.1, high=5.0)
    speed_scale: float = parameter("factor of all speeds", low=0.05, high=1.0)
    descend_force: float = parameter("N, change from free air, at which a descent ends", low=1.0, high=100.0)
    push_force: float = parameter("N, change from free air, at which a push ends", low=1.0, high=100.0)
    free_air_force: float = parameter("N; a larger force in free air means contact with the tool", low=1.0, high=50.0)
    free_air_readings: int = parameter("number of force readings in free air that are averaged", low=1, high=50)
    held_opening: float = parameter("m; fingers closed further than this hold nothing", low=0.001, high=0.02)
    held_mass: float = parameter("kg, assumed mass of any held object", low=0.0, high=2.0)
    held_on_cancel: str = parameter(
        "what happens to an object that a stopped primitive left in the fingers: put_down: it is put down before the "
        "next goal; keep: goals are refused until home is requested",
        choices=("put_down", "keep"),
    )
    opening_tolerance: float = parameter("m, accepted error of a commanded opening", low=0.001, high=0.02)
    poll_interval: float = parameter("s between two checks of a motion", low=0.002, high=0.1)
    deadline_factor: float = parameter("a motion may take this many times its nominal duration", low=1.0, high=20.0)
    deadline_margin: float = parameter("s that a motion may take in addition", low=0.1, high=30.0)


@dataclass(frozen=True)
class Box:
    """A box whose edges are parallel to the axes of ``base_link``.

    Attributes:
        name: Name for messages.
        center: (x, y, z) in meters in ``base_link``.
        size: Edges along x, y and z in meters.
    """

    name: str
    center: tuple[float, float, float]
    size: tuple[float, float, float]


@dataclass(frozen=True)
class ObstaclesConfig:
    """Fixed obstacles other than the table and the bin, as boxes."""

    names: tuple[str, ...] = parameter("name of each obstacle")
    centers: tuple[float, ...] = parameter("m in base_link, x, y, z of each, one after another", low=-3.0, high=3.0)
    sizes: tuple[float, ...] = parameter("m, edges along x, y, z of each, one after another", low=0.0, high=6.0)

    @property
    def boxes(self) -> tuple[Box, ...]:
        """The obstacles, one box for each name."""
        return tuple(
            Box(name, self.centers[3 * row : 3 * row + 3], self.sizes[3 * row : 3 * row + 3])  # type: ignore[arg-type]
            for row, name in enumerate(self.names)
        )


@dataclass(frozen=True)
class CellParts:
    """All parts of a cell, each value within its own range."""

    workspace: WorkspaceConfig
    reach: ReachConfig
    drop_bin: DropBinConfig
    motion: MotionConfig
    obstacles: ObstaclesConfig
    camera_calibration: str = parameter("file of the camera's intrinsics and pose; absolute or relative to this file")
    gripper: str = parameter("name of a shipped gripper, or path of its file, absolute or relative to this file")
    home: tuple[float, float, float, float, float, float] = parameter(
        "rad, joint angles with the arm out of the camera's view", low=-6.3, high=6.3
    )

    @property
    def gripper_model(self) -> GripperModel:
        """The gripper, read from its file; raises ConfigError if that is not valid."""
        return load_gripper(self.gripper)
