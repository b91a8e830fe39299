"""The simulated arm: follows joint trajectories with limited motor torques, so that it yields to contact."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pybullet
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import Kinematics
from impurity_grasp_ros.motion.straight_line import straight_trajectory
from impurity_grasp_ros.motion.trajectory import Profile, Trajectory, resting
from impurity_grasp_ros.simulation.robot import Robot
from impurity_grasp_ros.transform import Transform

FREE_TORQUE = np.array([150.0, 150.0, 150.0, 28.0, 28.0, 28.0])
"""Maximum joint torques in Nm (UR5 data sheet)."""

MIN_TORQUE = np.array([4.0, 4.0, 4.0, 4.0, 4.0, 4.0])
"""Lower bound of the torque limits in Nm; enough to carry the light links and hold the wrist's orientation."""

SKIP_CLEARANCE = 0.005
"""Height in meters above a body at which a motion counts as free."""

HAND_REACH = 2.0
"""Distance from the tool axis, in radii of the gripper, within which the hand could meet the center of a body."""

MIN_SKIP = 0.02
"""Minimum duration in seconds of a free motion that is worth skipping."""

SKIP_SAMPLES = 25
"""Number of points of the remaining motion at which the clearance is checked."""


class SimulatedArm:
    """``Arm`` protocol for the simulated UR5."""

    def __init__(self, robot: Robot, home: NDArray[np.float64], *, contact_force: float) -> None:
        """Place the arm at its home position.

        Args:
            robot: The robot.
            home: (6,) home position, joint angles in radians.
            contact_force: Force at the tool beyond which a linear motion yields, newtons.
        """
        self._robot = robot
        self._world = robot.world
        self._kinematics = Kinematics(robot.gripper.tool_length)
        self._hand_reach = HAND_REACH * robot.gripper.radius
        self._contact_force = contact_force
        self._trajectory = resting(home)
        self._start = 0.0
        self.jump_to(home)
        self._world.before_step(self._control)

    def jump_to(self, joints: NDArray[np.float64]) -> None:
        """Place the arm at rest at joint angles (6,) in radians, without simulating the motion."""
        for joint, angle in zip(self._robot.arm_joints, joints, strict=True):
            self._world.bullet.resetJointState(self._robot.body, joint, float(angle), 0.0)
        self._hold(joints)

    def is_free(self) -> bool:
        """Whether the robot touches no body and its tool is above all bodies around it."""
        clearance = self._clearance()
        return clearance(self.joint_positions()) and not self._robot.touched_bodies()

    def skip_free_motion(self) -> None:
        """Skip the next part of the motion, as far as the tool stays above all bodies around it.

        Call only while the arm :meth:`is_free`. Bodies that are still moving come to rest meanwhile, as they would
        without the skip. Simulated time advances as if nothing had been skipped.
        """
        trajectory, elapsed = self._trajectory, self._world.time - self._start
        free = self._free_until(trajectory, elapsed)
        if free - elapsed < MIN_SKIP:
            return
        self.jump_to(trajectory.at(free)[0])
        self._world.skip(free - elapsed)
        self._trajectory = trajectory
        self._start = self._world.time - free

    def _free_until(self, trajectory: Trajectory, elapsed: float) -> float:
        """Time on the trajectory until which the tool stays above all bodies around it."""
        clearance = self._clearance()
        remaining = trajectory.duration - elapsed
        free = elapsed
        for time in elapsed + remaining * np.linspace(0.0, 1.0, SKIP_SAMPLES):
            if not clearance(trajectory.at(time)[0]):
                break
            free = time
        return float(free)

    def _clearance(self) -> Callable[[NDArray[np.float64]], bool]:
        """Make a test whether, at given joint angles, the tool is above all bodies that the hand could meet there."""
        bodies = self._world.bodies
        places = np.array([self._world.position(body)[:2] for body in bodies]).reshape(-1, 2)
        tops = np.array([self._world.top(body) for body in bodies])

        def is_clear(joints: NDArray[np.float64]) -> bool:
            x, y, z = self._kinematics.forward(joints)[:3, 3]
            around = np.hypot(places[:, 0] - x, places[:, 1] - y) < self._hand_reach
            return bool((tops[around] + SKIP_CLEARANCE < z).all())

        return is_clear

    def joint_positions(self) -> NDArray[np.float64]:
        """Measured joint angles (6,) in radians."""
        states = self._world.bullet.getJointStates(self._robot.body, self._robot.arm_joints)
        return np.array([state[0] for state in states])

    def tool_pose(self) -> Transform:
        """Measured ``T_base_tool``."""
        return self._kinematics.forward(self.joint_positions())

    def tool_force(self) -> NDArray[np.float64]:
        """Sum (3,) of all contact forces on the robot, newtons in ``base_link``."""
        return self._robot.contact_force()

    def set_payload(self, held_mass: float) -> None:
        """Do nothing: contact forces are measured where they act, so weights do not affect them."""

    def speed_fraction(self) -> float:
        """Always 1: motions run at the commanded speed."""
        return 1.0

    def inverse_kinematics(self, T_base_tool: Transform) -> NDArray[np.float64] | None:
        """Joint angles (6,) that reach a pose and are closest to the present ones; None if there are none."""
        return self._kinematics.nearest(T_base_tool, self.joint_positions())

    def start_joint_motion(self, joints: NDArray[np.float64], speed: float, acceleration: float) -> None:
        """Start a motion that is straight in joint space.

        Args:
            joints: (6,) final joint angles, radians.
            speed: Speed of the leading axis, rad/s.
            acceleration: Acceleration of the leading axis, rad/s2.
        """
        start = self.joint_positions()
        profile = Profile(float(np.abs(joints - start).max()), speed, acceleration)
        self._begin(Trajectory(profile, np.array([start, joints])), FREE_TORQUE)

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in Cartesian space.

        Args:
            T_base_tool: Final pose of the tool; its orientation applies from the start.
            speed: Speed of the tool, m/s.
            acceleration: Acceleration of the tool, m/s2.

        Raises:
            UnreachableError: A pose on the line has no joint solution. The arm has not moved.
        """
        start = self.joint_positions()
        trajectory = straight_trajectory(self._kinematics, start, T_base_tool, speed, acceleration)
        self._begin(trajectory, self._yielding_torque(start))

    def servo(self, joints: NDArray[np.float64]) -> None:
        """Move to joint angles (6,), radians, that are streamed at a high rate; yields to contact."""
        self._begin(resting(joints), self._yielding_torque(joints))

    def is_moving(self) -> bool:
        """Whether the trajectory is still in progress."""
        return self._world.time - self._start < self._trajectory.duration

    def stop(self) -> None:
        """Hold the present joint angles."""
        self._hold(self.joint_positions())

    def _yielding_torque(self, joints: NDArray[np.float64]) -> NDArray[np.float64]:
        torque = MIN_TORQUE + self._contact_force * np.linalg.norm(self._kinematics.jacobian(joints), axis=0)
        return np.minimum(torque, FREE_TORQUE)

    def _hold(self, joints: NDArray[np.float64]) -> None:
        self._begin(resting(joints), FREE_TORQUE)

    def _begin(self, trajectory: Trajectory, torque: NDArray[np.float64]) -> None:
        self._trajectory = trajectory
        self._torque = torque.tolist()
        self._start = self._world.time

    def _control(self) -> None:
        angles, velocities = self._trajectory.at(self._world.time - self._start)
        self._world.bullet.setJointMotorControlArray(
            self._robot.body,
            self._robot.arm_joints,
            pybullet.POSITION_CONTROL,
            targetPositions=angles.tolist(),
            targetVelocities=velocities.tolist(),
            forces=self._torque,
            positionGains=[0.3] * 6,
            velocityGains=[1.0] * 6,
        )
