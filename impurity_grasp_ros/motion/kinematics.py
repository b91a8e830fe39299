"""Closed-form forward and inverse kinematics of the UR5.

Joint angles follow the convention of the controller. ``base_link`` is the controller's base frame rotated by half a
turn about z (REP-103).
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.transform import Transform, from_rotation_translation, inverse, rotation_z

D1, D4, D5, D6 = 0.089159, 0.10915, 0.09465, 0.0823
"""Link offsets d in meters (Universal Robots, DH parameters of the UR5)."""
A2, A3 = -0.425, -0.39225
"""Link lengths a in meters (same source)."""
ALPHA_1, ALPHA_4, ALPHA_5 = math.pi / 2, math.pi / 2, -math.pi / 2
"""Link twists alpha in radians (same source); the others are zero."""

DH = ((D1, 0.0, ALPHA_1), (0.0, A2, 0.0), (0.0, A3, 0.0), (D4, 0.0, ALPHA_4), (D5, 0.0, ALPHA_5), (D6, 0.0, 0.0))
"""Rows (d, a, alpha) of the six joints, in meters and radians."""

JOINT_NAMES = (
    "shoulder_pan_joint",
    "shoulder_lift_joint",
    "elbow_joint",
    "wrist_1_joint",
    "wrist_2_joint",
    "wrist_3_joint",
)
"""Names of the six joints, from base to tool."""
FINGER_JOINT = "left_knuckle_joint"
"""The finger joint whose state is published; the other finger joints mimic it."""

JOINT_LIMIT = 2.0 * math.pi
"""Largest magnitude of every joint angle in radians: one full turn (data sheet)."""

T_BASE_CONTROLLER: Transform = from_rotation_translation(rotation_z(math.pi), np.zeros(3))
"""Pose of the controller's base frame in ``base_link``."""


def _dh_transform(theta: float, d: float, a: float, alpha: float) -> Transform:
    ct, st, ca, sa = math.cos(theta), math.sin(theta), math.cos(alpha), math.sin(alpha)
    return np.array(
        [
            [ct, -st * ca, st * sa, a * ct],
            [st, ct * ca, -ct * sa, a * st],
            [0.0, sa, ca, d],
            [0.0, 0.0, 0.0, 1.0],
        ]
    )


def flange_pose(joints: NDArray[np.float64]) -> Transform:
    """Return the pose of the flange in the controller's base frame, as the controller computes it.

    Args:
        joints: (6,) float64, joint angles in radians.

    Returns:
        (4, 4) float64, ``T_controller_flange``.
    """
    transform = np.eye(4)
    for theta, row in zip(joints, DH, strict=True):
        transform = transform @ _dh_transform(theta, *row)
    return transform


def _solutions(T06: Transform) -> Iterator[tuple[float, ...]]:
    wrist = T06[:3, 3] - D6 * T06[:3, 2]
    radius = math.hypot(wrist[0], wrist[1])
    if radius < D4:
        return
    for side in (1.0, -1.0):
        q1 = math.atan2(wrist[1], wrist[0]) + side * math.acos(D4 / radius) + math.pi / 2
        s1, c1 = math.sin(q1), math.cos(q1)
        cos5 = (T06[0, 3] * s1 - T06[1, 3] * c1 - D4) / D6
        if abs(cos5) > 1.0:
            continue
        for q5 in (math.acos(cos5), -math.acos(cos5)):
            s5 = math.sin(q5)
            if abs(s5) < 1e-9:
                continue
            q6 = math.atan2((-T06[0, 1] * s1 + T06[1, 1] * c1) / s5, (T06[0, 0] * s1 - T06[1, 0] * c1) / s5)
            for q2, q3, q4 in _planar_solutions(T06, q1, q5, q6):
                yield q1, q2, q3, q4, q5, q6


def _planar_solutions(T06: Transform, q1: float, q5: float, q6: float) -> Iterator[tuple[float, float, float]]:
    """Angles of shoulder lift, elbow and wrist 1: a two-link arm in the plane determined by the pan angle ``q1``."""
    T46 = _dh_transform(q5, *DH[4]) @ _dh_transform(q6, *DH[5])
    T14 = inverse(_dh_transform(q1, *DH[0])) @ T06 @ inverse(T46)
    x, y = (T14[:3, 3] - D4 * T14[:3, 1])[:2]
    cos3 = (x * x + y * y - A2 * A2 - A3 * A3) / (2.0 * A2 * A3)
    if abs(cos3) > 1.0:
        return
    for q3 in (math.acos(cos3), -math.acos(cos3)):
        q2 = math.atan2(y, x) - math.atan2(A3 * math.sin(q3), A2 + A3 * math.cos(q3))
        T34 = inverse(_dh_transform(q2, *DH[1]) @ _dh_transform(q3, *DH[2])) @ T14
        yield q2, q3, math.atan2(T34[1, 0], T34[0, 0])


def wrap(angles: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return angles in radians, of any shape, shifted by full turns into (-pi, pi]."""
    return -((-angles + math.pi) % (2.0 * math.pi) - math.pi)


def flange_solutions(T_controller_flange: Transform) -> NDArray[np.float64]:
    """Return all joint angles that bring the flange to a pose.

    The wrist singularity (wrist 2 at 0 or pi) yields no solution; a tool that points down is far from it.

    Args:
        T_controller_flange: (4, 4) pose of the flange in the controller's base frame.

    Returns:
        (n, 6) float64 with n from 0 to 8, joint angles in radians, each within (-pi, pi].
    """
    solutions = [wrap(np.array(solution)) for solution in _solutions(T_controller_flange)]
    return np.array(solutions).reshape(-1, 6)


def nearest_flange_solution(
    T_controller_flange: Transform, reference: NDArray[np.float64]
) -> NDArray[np.float64] | None:
    """Return the solution for a flange pose that is closest to reference joint angles.

    Wrist 3 is ignored in the comparison, so that turning the tool does not change the posture of the other joints.

    Args:
        T_controller_flange: (4, 4) pose of the flange in the controller's base frame.
        reference: (6,) float64, joint angles in radians.

    Returns:
        (6,) float64, joint angles in radians within :data:`JOINT_LIMIT`, each shifted by full turns to be closest to
        the reference; None if there are none.
    """
    solutions = flange_solutions(T_controller_flange)
    candidates = reference + wrap(solutions - reference)
    candidates = candidates[(np.abs(candidates) <= JOINT_LIMIT).all(axis=1)]
    if not len(candidates):
        return None
    return candidates[np.abs(candidates - reference)[:, :5].max(axis=1).argmin()]


@dataclass(frozen=True)
class Kinematics:
    """Forward and inverse kinematics of the arm with a tool that extends along the z axis of the flange.

    Attributes:
        tool_length: Distance in meters from the flange to the tool center point.
    """

    tool_length: float

    @cached_property
    def T_flange_tool(self) -> Transform:
        """(4, 4) pose of the tool center point in the flange frame."""
        return from_rotation_translation(np.eye(3), np.array([0.0, 0.0, self.tool_length]))

    def forward(self, joints: NDArray[np.float64]) -> Transform:
        """Return ``T_base_tool``, (4, 4), for joint angles (6,) in radians."""
        return self.tool_at(flange_pose(joints))

    def tool_at(self, T_controller_flange: Transform) -> Transform:
        """Return ``T_base_tool``, (4, 4), for a pose of the flange in the controller's base frame."""
        return T_BASE_CONTROLLER @ T_controller_flange @ self.T_flange_tool

    def jacobian(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the Jacobian of the tool position.

        Args:
            joints: (6,) float64, joint angles in radians.

        Returns:
            (3, 6) float64, derivatives of the position in ``base_link`` with respect to the joint angles, m/rad.
        """
        frames = [T_BASE_CONTROLLER]
        for theta, row in zip(joints, DH, strict=True):
            frames.append(frames[-1] @ _dh_transform(theta, *row))
        tool = (frames[-1] @ self.T_flange_tool)[:3, 3]
        axes = np.array([frame[:3, 2] for frame in frames[:6]])
        origins = np.array([frame[:3, 3] for frame in frames[:6]])
        return np.cross(axes, tool - origins).T

    def flange_at(self, T_base_tool: Transform) -> Transform:
        """Return ``T_controller_flange``, (4, 4), for a pose of the tool in ``base_link``."""
        return inverse(T_BASE_CONTROLLER) @ T_base_tool @ inverse(self.T_flange_tool)

    def inverse(self, T_base_tool: Transform) -> NDArray[np.float64]:
        """Return all joint angles (n, 6) in radians for a tool pose in ``base_link``, see :func:`flange_solutions`."""
        return flange_solutions(self.flange_at(T_base_tool))

    def nearest(self, T_base_tool: Transform, reference: NDArray[np.float64]) -> NDArray[np.float64] | None:
        """Return the joint angles for a tool pose that are closest to reference joint angles.

        Args:
            T_base_tool: (4, 4) pose of the tool in ``base_link``.
            reference: (6,) float64, joint angles in radians.

        Returns:
            (6,) float64, joint angles in radians; None if there are none. See :func:`nearest_flange_solution`.
        """
        return nearest_flange_solution(self.flange_at(T_base_tool), reference)
