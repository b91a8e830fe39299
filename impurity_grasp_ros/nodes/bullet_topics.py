"""Topics of the simulated cell, named as the drivers of the real cell name them."""

from __future__ import annotations

from dataclasses import dataclass

from rclpy.node import Node
from rosgraph_msgs.msg import Clock
from sensor_msgs.msg import CameraInfo, Image, JointState

from impurity_grasp.msg import SceneState
from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import RgbdFrame
from impurity_grasp_ros.motion.kinematics import FINGER_JOINT, JOINT_NAMES
from impurity_grasp_ros.nodes.camera_topics import CAMERA_INFO, COLOR_IMAGE, DEPTH_IMAGE, camera_qos
from impurity_grasp_ros.nodes.images import to_camera_info, to_image
from impurity_grasp_ros.nodes.runtime import LATCHED
from impurity_grasp_ros.nodes.stamps import to_header, to_time
from impurity_grasp_ros.simulation.environment import Environment


@dataclass(frozen=True)
class SceneParameters:
    """The cell and the initial scene."""

    cell_file: str = parameter("the cell; a path, or relative to the package")
    scene: str = parameter("a scene of config/scenes, or a preset: path/to/scene.yaml")
    seed: int = parameter("seed of the scene", low=0, high=2**53)
    targets: int = parameter("number of targets; -1: as the scene file says", low=-1, high=10)
    blocks: int = parameter("number of ordinary blocks; -1: as the scene file says", low=-1, high=40)


class SceneTopics:
    """Publishes camera frames and the ground truth of an environment, stamped with wall-clock time.

    Args:
        node: The node that publishes.
        environment: The simulated cell.
    """

    def __init__(self, node: Node, environment: Environment) -> None:
        self._node = node
        self._environment = environment
        self._frame: RgbdFrame | None = None
        self._scene = node.create_publisher(SceneState, "scene_state", LATCHED)
        self._color = node.create_publisher(Image, COLOR_IMAGE, camera_qos("reliable"))
        self._depth = node.create_publisher(Image, DEPTH_IMAGE, camera_qos("reliable"))
        self._info = node.create_publisher(CameraInfo, CAMERA_INFO, camera_qos("reliable"))

    def reset(self, scene: str, seed: int, targets: int, blocks: int) -> SceneState:
        """Generate another scene and publish its state.

        Args:
            scene: Name of a scene, or path of a preset.
            seed: Seed of the scene.
            targets: Number of targets; negative: as the scene file says.
            blocks: Number of ordinary blocks; negative: as the scene file says.

        Returns:
            The state of the new scene.

        Raises:
            UnknownSceneError: There is no such scene.
            InvalidGoalError: The seed or a number of objects is out of range.
            ConfigError: The scene file is invalid.
            SceneNotSettledError: The scene could not be generated.
        """
        try:
            self._environment.reset(seed, scene, None if targets < 0 else targets, None if blocks < 0 else blocks)
        finally:
            self.forget_frame()
        return self.publish_scene()

    def now(self) -> float:
        """The time for stamps, in seconds."""
        return float(self._node.get_clock().now().nanoseconds * 1e-9)

    def forget_frame(self) -> None:
        """Have the next camera frame rendered anew, because the world has changed."""
        self._frame = None

    def publish_frame(self, age: float = 0.0) -> None:
        """Publish a camera frame if there are subscribers; it is rendered only if the world has changed.

        Args:
            age: Seconds to subtract from the stamp.
        """
        if not self._depth.get_subscription_count():
            return
        if self._frame is None:
            self._frame = self._environment.observe()
        header = to_header(self.now() - age, self._environment.camera.frame_id)
        self._info.publish(to_camera_info(self._frame.intrinsics, header))
        self._color.publish(to_image(self._frame.color, "rgb8", header))
        self._depth.publish(to_image(self._frame.depth, "32FC1", header))

    def publish_scene(self) -> SceneState:
        """Publish and return the ground truth about the blocks, for evaluation and display."""
        scene, tally = self._environment.scene, self._environment.tally()
        message = SceneState(
            stamp=to_time(self.now()),
            scene=scene.name,
            seed=scene.seed,
            targets=tally.targets,
            targets_in_bin=tally.targets_in_bin,
            targets_out_of_reach=tally.targets_lost,
            others=tally.others,
            others_in_bin=tally.others_in_bin,
            others_out_of_reach=tally.others_lost,
        )
        self._scene.publish(message)
        return message


class BulletTopics(SceneTopics):
    """Publishes joint states and the clock as well; stamps are simulated time if ``use_sim_time`` is set.

    Simulated time never goes back, not even when the scene is reset, and it also advances while the arm is at rest.

    Args:
        node: The node that publishes.
        environment: The simulated cell.
        joint_state_rate: Rate of joint states and clock during a motion, in Hz of simulated time.
    """

    def __init__(self, node: Node, environment: Environment, joint_state_rate: float) -> None:
        super().__init__(node, environment)
        self._period = 1.0 / joint_state_rate
        self._simulated: bool = node.get_parameter("use_sim_time").value
        self._epoch = 0.0
        self._last_published = -1.0
        self._clock = node.create_publisher(Clock, "/clock", 10) if self._simulated else None
        self._joints = node.create_publisher(JointState, "joint_states", 10)

    def now(self) -> float:
        """The time for stamps, in seconds."""
        if self._simulated:
            return self._epoch + self._environment.world.time
        return super().now()

    def idle(self, duration: float) -> None:
        """Advance simulated time by ``duration`` seconds without stepping the world.

        The world's own clock must not depend on the wall clock.
        """
        self._epoch += duration
        self.publish_motion()

    def reset(self, scene: str, seed: int, targets: int, blocks: int) -> SceneState:
        """As :meth:`SceneTopics.reset`; the world restarts its own time at zero and drops its callbacks."""
        self._epoch += self._environment.world.time
        self._last_published = -1.0
        try:
            return super().reset(scene, seed, targets, blocks)
        finally:
            self._environment.world.after_step(self._on_step)
            self.publish_motion()  # the next job needs the current time

    def _on_step(self) -> None:
        if self._environment.world.time - self._last_published >= self._period:
            self._last_published = self._environment.world.time
            self.publish_motion()

    def publish_motion(self) -> None:
        """Publish the clock and the joint states."""
        now = self.now()
        if self._clock is not None:
            self._clock.publish(Clock(clock=to_time(now)))
        travel = self._environment.cell.gripper_model.knuckle_travel(self._environment.gripper.opening())
        positions = [*self._environment.arm.joint_positions().tolist(), travel]
        self._joints.publish(JointState(header=to_header(now), name=[*JOINT_NAMES, FINGER_JOINT], position=positions))
