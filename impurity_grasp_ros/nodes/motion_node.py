"""ROS interfaces of the real robot: ``execute_primitive``, ``stop``, ``recover``, ``home``, joints and diagnostics."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from dataclasses import dataclass

from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import Vector3, Wrench, WrenchStamped
from rclpy.callback_groups import ReentrantCallbackGroup
from sensor_msgs.msg import JointState
from std_msgs.msg import Empty
from std_srvs.srv import Trigger

from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Outcome, Primitive
from impurity_grasp_ros.errors import ConfigError, DeviceFaultError, DryRunError
from impurity_grasp_ros.hardware.robotiq import RobotiqConfig, RobotiqGripper
from impurity_grasp_ros.hardware.ur_arm import UrArm
from impurity_grasp_ros.hardware.ur_config import UrConfig
from impurity_grasp_ros.launch_arguments import DRIVERS, ROS2_CONTROL
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.motion.kinematics import FINGER_JOINT, JOINT_NAMES
from impurity_grasp_ros.nodes.cell_parameters import CellParameters
from impurity_grasp_ros.nodes.diagnostics import status_of_device
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.primitive_server import PrimitiveServer
from impurity_grasp_ros.nodes.rising_edge import RisingEdge
from impurity_grasp_ros.nodes.ros2_control.config import Ros2ControlConfig
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import BATCH_TOPIC, steady_timer
from impurity_grasp_ros.nodes.stamps import to_header
from impurity_grasp_ros.priority import lower_niceness
from impurity_grasp_ros.protocols import ArmDriver, Device, GripperDriver

NUMBER = re.compile(r"\d+(\.\d+)?")


@dataclass(frozen=True)
class MotionNodeConfig:
    """The robot's address, drivers and cell, and the rates of the topics."""

    arm: UrConfig
    gripper: RobotiqConfig
    ros2_control: Ros2ControlConfig
    driver: str = parameter("how arm and gripper are reached", choices=DRIVERS)
    cell_file: str = parameter("the cell; a path, or relative to the package")
    robot_ip: str = parameter("address of the robot's controller, for driver ur_rtde")
    dry_run: bool = parameter("never move: primitives are checked and then refused with DRY_RUN")
    watch_sender: bool = parameter("stop the arm when the node that sent the goal is gone")
    joint_state_rate: float = parameter("Hz of joint states", low=1.0, high=500.0)
    batch_input: int = parameter(
        "digital input of the controller whose rising edge announces a batch (8-15: configurable, 16, 17: tool), with "
        "driver ur_rtde; -1 for none",
        low=-1,
        high=17,
    )


class WallClock:
    """The ``Clock`` protocol with the monotonic clock of this computer."""

    def now(self) -> float:
        """The time in seconds since an arbitrary start."""
        return time.monotonic()

    def sleep(self, duration: float) -> None:
        """Wait for ``duration`` seconds."""
        time.sleep(duration)


class MotionNode(ManagedNode):
    """Moves a UR5 with a Robotiq gripper. If a device is absent, the node waits for it and reports what is missing.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter or the cell is invalid.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("motion_node", **options)
        self._settings = NodeParameters(self, "motion_node", MotionNodeConfig)
        self._cell = CellParameters(self, load_cell(self._settings.value.cell_file))
        self._gripper_model = self._cell.cell.gripper_model
        self.start()

    def configure(self) -> None:
        """Open the devices, and publish their state; see the base class. The cell is that of the node's start."""
        config = self._settings.value
        self._arm, self._gripper = self._ros2_control() if config.driver == ROS2_CONTROL else self._ur_rtde()
        self._problem = ""
        self._primitives = PrimitiveServer(
            self,
            self._execute,
            self._arm.stop,
            lambda: self.get_clock().now().to_msg(),
            lambda: self._settings.value.watch_sender,
        )
        self.own(self._primitives.destroy)
        if config.driver != ROS2_CONTROL:  # there, the broadcaster publishes them
            self._joints = self.create_publisher(JointState, "joint_states", 10)
            self._force = self.create_publisher(WrenchStamped, "tool_force", 10)
            self._batch = self.create_publisher(Empty, BATCH_TOPIC, 10)
            self._batch_edge = RisingEdge()
            steady_timer(self, 1.0 / config.joint_state_rate, self._publish_state)
        elif config.batch_input >= 0:
            raise ConfigError(
                f"batch_input: expected -1 with driver {ROS2_CONTROL}, received {config.batch_input}: publish on "
                f"{BATCH_TOPIC} instead"
            )
        for name, action in (("recover", self._recover), ("home", self._home)):
            self._add_service(name, action)

    def _ur_rtde(self) -> tuple[ArmDriver, GripperDriver]:
        config, gripper = self._settings.value, self._gripper_model
        if not config.robot_ip:
            self.get_logger().error("INVALID_CONFIG: expected robot_ip, the address of the robot's controller")
        arm = UrArm(config.robot_ip, config.arm, gripper.tool_length)
        self.own(arm.close)
        fingers = RobotiqGripper(config.robot_ip, config.gripper, gripper.stroke)
        self.own(fingers.close)
        return arm, fingers

    def _ros2_control(self) -> tuple[ArmDriver, GripperDriver]:
        # its messages are not installed everywhere
        from impurity_grasp_ros.nodes.ros2_control.arm import TrajectoryArm
        from impurity_grasp_ros.nodes.ros2_control.gripper import CommandGripper
        from impurity_grasp_ros.nodes.ros2_control.state import ControlState

        config, gripper = self._settings.value.ros2_control, self._gripper_model
        state = ControlState(self, config)
        arm = TrajectoryArm(self, config, gripper.tool_length, state)
        self.own(arm.close)
        return arm, CommandGripper(self, config, gripper, state)

    def deactivate(self, reason: str) -> None:
        """Stop the arm at once; see the base class."""
        self._primitives.stop(reason)

    def _add_service(self, name: str, action: Callable[[Callable[[], bool]], str]) -> None:
        """Add a service that reserves the arm; ``action`` receives a function that says when to stop."""

        def serve(_request: Trigger.Request, response: Trigger.Response) -> Trigger.Response:
            try:
                with self._primitives.claimed(name) as must_stop:
                    response.message = action(must_stop)
                response.success = True
                self.get_logger().info(f"{name}: {response.message}")
            except Exception as error:  # every fault is answered; the node keeps running
                response.message = str(error) or type(error).__name__
                self.get_logger().error(f"{name}: {response.message}")
            return response

        self.create_service(Trigger, name, serve, callback_group=ReentrantCallbackGroup())

    def _executor(self) -> PrimitiveExecutor:
        return PrimitiveExecutor(self._arm, self._gripper, WallClock(), self._cell.cell)

    def _check_ready(self) -> None:
        if problem := self._arm.problem() or self._gripper.problem():
            raise DeviceFaultError(f"expected the robot to be ready: {problem}")

    def _execute(self, primitive: Primitive, supervision: Supervision) -> Outcome:
        self._check_ready()
        if self._settings.value.dry_run:
            self._executor().check(primitive)
            raise DryRunError(f"expected to move, dry_run is set: {primitive}")
        return self._executor().execute(primitive, supervision)

    def _recover(self, must_stop: Callable[[], bool]) -> str:
        self._arm.recover(must_stop)
        self._gripper.recover(must_stop)
        return "the robot is ready; interrupted motions are not resumed"

    def _home(self, must_stop: Callable[[], bool]) -> str:
        self._check_ready()
        if self._settings.value.dry_run:
            raise DryRunError("expected to move home, dry_run is set")
        self._executor().go_home(Supervision(canceled=must_stop))
        return "the arm is at home"

    def _publish_state(self) -> None:
        assert isinstance(self._arm, UrArm)
        try:
            state, force = self._arm.state(), self._arm.tool_force()
        except DeviceFaultError:
            return  # the diagnostics report why
        self._publish_joints(list(state.joints))
        if self._force.get_subscription_count():
            x, y, z = map(float, force)
            header = self.header(self.get_clock().now().nanoseconds * 1e-9)
            self._force.publish(WrenchStamped(header=header, wrench=Wrench(force=Vector3(x=x, y=y, z=z))))
        number = self._settings.value.batch_input
        if number >= 0 and self._batch_edge.is_at(bool(state.digital_inputs >> number & 1)):
            self._batch.publish(Empty())

    def _publish_joints(self, joints: list[float]) -> None:
        names, opening = list(JOINT_NAMES), self._gripper.last_opening()
        if opening is not None:
            names, joints = [*names, FINGER_JOINT], [*joints, self._gripper_model.knuckle_travel(opening)]
        header = to_header(self.get_clock().now().nanoseconds * 1e-9)
        self._joints.publish(JointState(header=header, name=names, position=joints))

    def device_statuses(self) -> list[DiagnosticStatus]:
        """See the base class; what keeps the robot from moving is logged when it changes."""
        name, config = self.get_fully_qualified_name().lstrip("/"), self._settings.value
        host = ROS2_CONTROL if config.driver == ROS2_CONTROL else config.robot_ip
        devices: dict[str, Device] = {"arm": self._arm, "gripper": self._gripper}
        statuses = [status_of_device(f"{name}: {device}", devices[device], host) for device in devices]
        problem = "; ".join(status.message for status in statuses if status.level != DiagnosticStatus.OK)
        kind = NUMBER.sub("#", problem)  # a number that changes, such as an age, is not a new problem
        if kind != self._problem:
            self._problem = kind
            if problem:
                self.get_logger().warning(f"not ready: {problem}")
            else:
                self.get_logger().info("arm and gripper are ready")
        return statuses


def main() -> None:
    """Entry point of the console script."""
    lower_niceness()
    run(MotionNode)
