"""Names and limits of the controllers of a cell that ``ros2_control`` controls."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter

KNUCKLE, GAP = "knuckle", "gap"
"""What the position of a gripper is: rad of the knuckle, 0 when open, or m between the pads."""


@dataclass(frozen=True)
class Ros2ControlConfig:
    """Controllers and topics, as ``ur_robot_driver`` and ``ros2_robotiq_gripper`` name them."""

    trajectory_action: str = parameter("action FollowJointTrajectory of the arm's controller")
    gripper_action: str = parameter("action GripperCommand of the gripper's controller")
    joint_states: str = parameter("topic of the joint states")
    joint_prefix: str = parameter("what the names of the arm's joints begin with")
    finger_joint: str = parameter("name of the gripper's joint")
    finger_unit: str = parameter("its position: rad of a knuckle, or m between the pads", choices=(KNUCKLE, GAP))
    effort: float = parameter("N with which the fingers close", low=0.0, high=500.0)
    wrench: str = parameter("topic of the force at the tool, in the frame of the tool")
    speed_scaling: str = parameter("topic of the speed in percent; empty: always full speed")
    safety_mode: str = parameter("topic of the safety mode; empty: the controller alone judges it")
    robot_mode: str = parameter("topic of the robot mode; empty: the controller alone judges it")
    program_running: str = parameter("topic that says whether the driver controls the arm; empty: it always does")
    resend_program: str = parameter("service by which the driver takes control again; empty: there is none")
    stale_after: float = parameter("s without joint states or forces after which the arm stops", low=0.02, high=2.0)
    answer_timeout: float = parameter("s for a controller to answer", low=0.1, high=10.0)
    period: float = parameter("s between the points of a trajectory", low=0.004, high=0.1)
