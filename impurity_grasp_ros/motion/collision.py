"""Collision model of the robot and its surroundings: which shapes would touch at given joint angles.

The robot has the collision shapes of ``urdf/``, except that one box replaces the fingers and encloses them at every
opening. The surroundings are the table, the walls of the drop bin and the cell's obstacles. Links that share a joint
are not compared.
"""

from __future__ import annotations

from enum import Enum
from functools import cache
from typing import Any, NamedTuple

import coal
import numpy as np
import pinocchio
from numpy.typing import NDArray

from impurity_grasp_ros.cell import CellConfig
from impurity_grasp_ros.cell_layout import BIN_WALL, CARRIED_DEPTH
from impurity_grasp_ros.cell_parts import Box
from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.protocols import JointPositions
from impurity_grasp_ros.resources import resource

FINGER_LINKS = ("left_knuckle", "left_finger_tip", "right_knuckle", "right_finger_tip")
FINGERS, HELD, TABLE = "fingers", "held object", "table"

TABLE_SIZE = (6.0, 6.0, 0.2)
"""Edges (x, y, z) of the table in meters; it extends beyond the reach of the arm."""

COAXIAL = {frozenset(("base_0", "upper_arm_link_0"))}
"""Pairs of shapes that are two joints apart and still cannot collide: the shoulder housing turns above the base."""

SELF_CLEARANCE_CUT = 0.005
"""Meters by which two parts of the robot may be closer: its shapes are known more precisely than those of the cell."""

FINGER_SAMPLES = 9
"""Number of finger openings at which the box around the fingers is measured."""


class HandState(Enum):
    """State of the fingers, which determines the contacts that are allowed."""

    FREE = "the fingers are empty and touch nothing"
    CARRYING = "the fingers hold an object"
    WORKING = "the fingers may touch the table"


class RobotShapes(NamedTuple):
    """Kinematics and shapes of a robot description, with the fingers as one box.

    Attributes:
        model: Pinocchio model of the six joints of the arm.
        shapes: Collision shapes of the robot, including the box of a held object.
        reach: (6,) meters; no point of the robot is farther from the axis of each joint.
    """

    model: Any
    shapes: Any
    reach: NDArray[np.float64]


@cache
def robot_shapes(gripper: GripperModel) -> RobotShapes:
    """Parse the robot description that belongs to a gripper; cached."""
    path = str(resource(gripper.urdf))
    full = pinocchio.buildModelFromUrdf(path)
    shapes = pinocchio.buildGeomFromUrdf(full, path, pinocchio.GeometryType.COLLISION)
    low, high = _finger_hull(full, shapes, gripper.closed_travel)
    fingers = [full.getJointId(name) for name in full.names[1:] if name not in JOINT_NAMES]
    model, shapes = pinocchio.buildReducedModel(full, shapes, fingers, pinocchio.neutral(full))
    for name in [shape.name for shape in shapes.geometryObjects if _link(shape.name) in FINGER_LINKS]:
        shapes.removeGeometryObject(name)
    _attach(model, shapes, FINGERS, low, high)
    half, depth = gripper.stroke / 2, CARRIED_DEPTH
    _attach(model, shapes, HELD, np.array([-half, -half, 0.0]), np.array([half, half, depth]))
    return RobotShapes(model, shapes, _reach(model, shapes))


def _link(shape: str) -> str:
    return shape.rpartition("_")[0]


def _finger_hull(model: Any, shapes: Any, closed_travel: float) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Lowest and highest corner, each (3,) in meters in the tool frame, of the fingers over all of their openings."""
    data, placed = model.createData(), shapes.createData()
    corners = []
    for travel in np.linspace(0.0, closed_travel, FINGER_SAMPLES):
        angles = np.array([0.0 if name in JOINT_NAMES else travel for name in model.names[1:]])
        pinocchio.framesForwardKinematics(model, data, angles)
        pinocchio.updateGeometryPlacements(model, data, shapes, placed)
        T_tool_base = data.oMf[model.getFrameId("tcp")].inverse()
        for index, shape in enumerate(shapes.geometryObjects):
            if _link(shape.name) in FINGER_LINKS:
                corners.append(_corners(shape, T_tool_base * placed.oMg[index]))
    points = np.concatenate(corners)
    return points.min(axis=0), points.max(axis=0)


def _corners(shape: Any, placement: Any) -> NDArray[np.float64]:
    """Corners (8, 3) in meters of the bounding box of a shape, transformed by ``placement``."""
    shape.geometry.computeLocalAABB()
    box = shape.geometry.aabb_local
    steps = np.array([[a, b, c] for a in (0, 1) for b in (0, 1) for c in (0, 1)])
    points = box.min_ + steps * (box.max_ - box.min_)
    return np.asarray(points @ placement.rotation.T + placement.translation)


def _attach(model: Any, shapes: Any, name: str, low: NDArray[np.float64], high: NDArray[np.float64]) -> None:
    """Attach a box to the tool; ``low`` and ``high`` are opposite corners, (3,) in meters in the tool frame."""
    frame = model.frames[model.getFrameId("tcp")]
    placement = frame.placement * pinocchio.SE3(np.eye(3), (low + high) / 2)
    shapes.addGeometryObject(pinocchio.GeometryObject(name, frame.parentJoint, placement, coal.Box(*(high - low))))


def _reach(model: Any, shapes: Any) -> NDArray[np.float64]:
    """Upper bounds (6,) in meters on the distance of any point of the robot from the axis of each joint."""
    chain = [float(np.linalg.norm(placement.translation)) for placement in model.jointPlacements[1:]]
    own = np.zeros(len(chain))
    for shape in shapes.geometryObjects:
        if shape.parentJoint:
            distance = np.linalg.norm(_corners(shape, shape.placement), axis=1).max()
            own[shape.parentJoint - 1] = max(own[shape.parentJoint - 1], distance)
    last = [_corners(shape, shape.placement) for shape in shapes.geometryObjects if shape.parentJoint == len(chain)]
    reach = [max(own[k] + sum(chain[j + 1 : k + 1]) for k in range(j, len(chain))) for j in range(len(chain))]
    reach[-1] = np.linalg.norm(np.concatenate(last)[:, :2], axis=1).max()  # the last axis passes through its link
    return np.array(reach)


def _surroundings(cell: CellConfig) -> list[Box]:
    """Boxes of the table, the walls of the bin and the obstacles."""
    drop, wall = cell.drop_bin, "drop bin's wall"
    x_offset, y_offset = (drop.size_x + BIN_WALL) / 2, (drop.size_y + BIN_WALL) / 2
    boxes = [Box(TABLE, (0.0, 0.0, -TABLE_SIZE[2] / 2), TABLE_SIZE)]
    for sign in (-1.0, 1.0) if drop.wall_height > 0.0 else ():
        height = drop.wall_height
        along_y = (BIN_WALL, drop.size_y + 2 * BIN_WALL, height)
        boxes.append(Box(wall, (drop.x + sign * x_offset, drop.y, height / 2), along_y))
        boxes.append(Box(wall, (drop.x, drop.y + sign * y_offset, height / 2), (drop.size_x, BIN_WALL, height)))
    return [*boxes, *cell.obstacles.boxes]


class CollisionModel:
    """Checks which shapes of the robot and the cell come closer than a margin. Not thread-safe.

    Args:
        cell: The cell; its gripper selects the robot description.

    Attributes:
        reach: (6,) meters; no point of the robot is farther from the axis of each joint.
    """

    def __init__(self, cell: CellConfig) -> None:
        robot = robot_shapes(cell.gripper_model)
        self.reach = robot.reach
        self._model, self._shapes = robot.model, robot.shapes.copy()
        self._data = self._model.createData()
        self._parts = len(self._shapes.geometryObjects)
        for number, box in enumerate(_surroundings(cell)):
            placement = pinocchio.SE3(np.eye(3), np.array(box.center))
            self._shapes.addGeometryObject(
                pinocchio.GeometryObject(f"{box.name}_{number}", 0, placement, coal.Box(*box.size))
            )
        self._names = [shape.name for shape in self._shapes.geometryObjects]
        self._add_pairs()
        self._placed: dict[tuple[HandState, float], Any] = {}

    def touching(self, joints: JointPositions, margin: float, hand_state: HandState) -> tuple[str, str] | None:
        """Find a pair of shapes that are closer than a margin.

        Args:
            joints: (6,) float64, joint angles in radians.
            margin: Minimum distance in meters; between two parts of the robot it is :data:`SELF_CLEARANCE_CUT` less.
            hand_state: State of the fingers, which determines the contacts that are allowed.

        Returns:
            The names of two shapes that are too close, None if there are none.
        """
        placed = self._placed.get((hand_state, margin)) or self._prepare(hand_state, margin)
        if not pinocchio.computeCollisions(self._model, self._data, self._shapes, placed, joints, True):
            return None
        pairs = zip(self._shapes.collisionPairs, placed.collisionResults, placed.activeCollisionPairs, strict=True)
        first, second = next((p.first, p.second) for p, found, active in pairs if active and found.isCollision())
        return _spoken(self._names[first]), _spoken(self._names[second])

    def _add_pairs(self) -> None:
        shapes = self._shapes.geometryObjects
        for first in range(self._parts):
            for second in range(first + 1, len(shapes)):
                if second >= self._parts:
                    compared = shapes[first].parentJoint >= 2  # base and shoulder only turn in place
                else:
                    apart = shapes[second].parentJoint - shapes[first].parentJoint
                    compared = apart >= 2 and frozenset((self._names[first], self._names[second])) not in COAXIAL
                if compared:
                    self._shapes.addCollisionPair(pinocchio.CollisionPair(first, second))

    def _prepare(self, hand_state: HandState, margin: float) -> Any:
        placed = self._shapes.createData()
        for number, pair in enumerate(self._shapes.collisionPairs):
            names = {self._names[pair.first], _spoken(self._names[pair.second])}
            own = pair.second < self._parts
            placed.collisionRequests[number].security_margin = max(margin - SELF_CLEARANCE_CUT * own, 0.0)
            on_table = hand_state is HandState.WORKING and names == {FINGERS, TABLE}
            if on_table or (HELD in names and hand_state is not HandState.CARRYING):
                placed.deactivateCollisionPair(number)
        self._placed[hand_state, margin] = placed
        return placed


def _spoken(shape: str) -> str:
    """Name of a shape for messages."""
    link = shape if shape in (FINGERS, HELD) else _link(shape)
    return link.removesuffix("_link").replace("robotiq_base", "gripper").replace("_", " ")
