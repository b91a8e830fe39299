"""The gripper of the shipped cell, the other one, and the kinematics of the arm with the first."""

from __future__ import annotations

from impurity_grasp_ros.gripper import load_gripper
from impurity_grasp_ros.motion.kinematics import Kinematics

GRIPPER = load_gripper("robotiq_2f85")
WIDE_GRIPPER = load_gripper("robotiq_2f140")
KINEMATICS = Kinematics(0.162768)
