"""The simulated UR5 with its gripper: one articulated body, loaded from ``urdf/``.

The engine gets an almost weightless mechanism with the real kinematics. A real controller compensates the arm's own
mass and inertia; a heavy body driven by motors would knock away blocks that a real arm only pushes.
"""

from __future__ import annotations

import numpy as np
import pybullet
from numpy.typing import NDArray

from impurity_grasp_ros.gripper import GripperModel
from impurity_grasp_ros.motion.kinematics import JOINT_NAMES
from impurity_grasp_ros.resources import resource
from impurity_grasp_ros.simulation import silenced
from impurity_grasp_ros.simulation.world import World, own_friction

KNUCKLES = ("left_knuckle_joint", "right_knuckle_joint")
FINGER_TIPS = ("left_finger_tip_joint", "right_finger_tip_joint")

LIGHT_LINK = (0.1, 1e-3)
"""Mass (kg) and moment of inertia (kg m2) of a link of the arm in the engine."""
LIGHT = {
    "base": LIGHT_LINK,
    "tool0": (1e-3, 1e-6),
    "tcp": (1e-3, 1e-6),
    "robotiq_base": (0.2, 2e-4),
    "left_knuckle": (0.03, 1e-3),
    "right_knuckle": (0.03, 1e-3),
    "left_finger_tip": (0.03, 5e-3),
    "right_finger_tip": (0.03, 5e-3),
}
"""Mass and moment of inertia of all other links."""

PAD_SPINNING_FRICTION = 0.01
"""Meters; effective radius at which a rubber pad resists twisting, because the engine has point contacts only."""
GEAR_TORQUE = 50.0
"""Maximum torque in Nm of the constraints that couple the finger joints."""


class Robot:
    """Handles of the articulated body.

    Attributes:
        world: The world that contains the robot.
        gripper: Dimensions of the gripper.
        body: Body of the robot.
        links: Link indices by name.
        arm_joints: Joint indices of the arm, from base to tool.
        knuckles: Joint indices of the left and right knuckle.
        finger_tips: Joint indices of the left and right fingertip.
    """

    def __init__(self, world: World, gripper: GripperModel) -> None:
        self.world = world
        self.gripper = gripper
        bullet = world.bullet
        with silenced():  # it warns about links without inertia, but these are mere frames
            self.body: int = bullet.loadURDF(str(resource(gripper.urdf)), useFixedBase=True)
        names = {}
        self.links: dict[str, int] = {}
        for joint in range(bullet.getNumJoints(self.body)):
            info = bullet.getJointInfo(self.body, joint)
            names[info[1].decode()] = joint
            self.links[info[12].decode()] = joint
        self.arm_joints = [names[name] for name in JOINT_NAMES]
        self.knuckles = [names[name] for name in KNUCKLES]
        self.finger_tips = [names[name] for name in FINGER_TIPS]
        self._lighten()
        self._couple_fingers()

    def _lighten(self) -> None:
        for name, link in self.links.items():
            mass, inertia = LIGHT.get(name, LIGHT_LINK)
            self.world.bullet.changeDynamics(
                self.body,
                link,
                mass=mass,
                localInertiaDiagonal=[inertia] * 3,
                linearDamping=0.0,
                angularDamping=0.0,
                jointDamping=0.0,
                restitution=0.0,
                lateralFriction=own_friction(self.world.config.friction),
            )
        for tip in self.finger_tips:
            self.world.bullet.changeDynamics(
                self.body,
                tip,
                spinningFriction=PAD_SPINNING_FRICTION,
            )
        self.set_pad_friction(self.world.config.pad_friction)
        self.anchor_pads(True)

    def anchor_pads(self, on: bool) -> None:
        """Keep static friction of the pads static; without it, held objects creep out, with it, they may cling."""
        for tip in self.finger_tips:
            self.world.bullet.changeDynamics(self.body, tip, frictionAnchor=on)

    def set_pad_friction(self, friction: float) -> None:
        """Set the Coulomb coefficient between a finger pad and a block of the configured friction."""
        own = friction / own_friction(self.world.config.friction)
        for tip in self.finger_tips:
            self.world.bullet.changeDynamics(self.body, tip, lateralFriction=own)

    def _couple_fingers(self) -> None:
        """Model the linkage by gears: the knuckles close together, and each fingertip keeps its pad upright."""
        left, right = self.knuckles
        self._gear(left, right)
        for knuckle, tip in zip(self.knuckles, self.finger_tips, strict=True):
            self._gear(knuckle, tip)
            self.world.bullet.setJointMotorControl2(self.body, tip, pybullet.VELOCITY_CONTROL, force=0.0)

    def _gear(self, first: int, second: int) -> None:
        bullet = self.world.bullet
        constraint = bullet.createConstraint(
            self.body, first, self.body, second, pybullet.JOINT_GEAR, [0, 1, 0], [0, 0, 0], [0, 0, 0]
        )
        bullet.changeConstraint(constraint, gearRatio=-1, maxForce=GEAR_TORQUE, erp=0.5)

    def contact_force(self) -> NDArray[np.float64]:
        """Sum (3,) of all contact forces on the robot, newtons in the base frame; those of a held object cancel out."""
        total = np.zeros(3)
        for contact in self.world.bullet.getContactPoints(bodyA=self.body):
            normal, lateral_1, lateral_2 = contact[7], contact[11], contact[13]
            total += np.multiply(normal, contact[9])
            total += np.multiply(lateral_1, contact[10]) + np.multiply(lateral_2, contact[12])
        return total

    def touched_bodies(self) -> set[int]:
        """Loose bodies that are in contact with the robot."""
        contacts = self.world.bullet.getContactPoints(bodyA=self.body)
        return {contact[2] for contact in contacts if contact[8] <= 0.0}.intersection(self.world.bodies)
