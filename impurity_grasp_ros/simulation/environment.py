"""The simulated cell as one environment: reset to a seed, observe with the camera, step with a primitive."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

from impurity_grasp_ros.cell import CellConfig, load_cell
from impurity_grasp_ros.config import load, parameter
from impurity_grasp_ros.datatypes import Outcome, Primitive, RgbdFrame
from impurity_grasp_ros.errors import DeviceFaultError, ImpurityGraspError
from impurity_grasp_ros.motion.executor import PrimitiveExecutor, Supervision
from impurity_grasp_ros.simulation.camera import SimulatedCamera
from impurity_grasp_ros.simulation.fixtures import add_bin, add_table, lies_in_bin
from impurity_grasp_ros.simulation.gripper import SimulatedGripper
from impurity_grasp_ros.simulation.library import shipped_library
from impurity_grasp_ros.simulation.objects import Block, spawn
from impurity_grasp_ros.simulation.probe import GraspProbe
from impurity_grasp_ros.simulation.rehearsal import in_a_copy
from impurity_grasp_ros.simulation.robot import Robot
from impurity_grasp_ros.simulation.scenes import Scene, SceneGenerator
from impurity_grasp_ros.simulation.ur5 import SimulatedArm
from impurity_grasp_ros.simulation.world import PhysicsConfig, World

T = TypeVar("T")

SIMULATION_FILE = "config/simulation.yaml"


@dataclass(frozen=True)
class SimulationConfig:
    """The physics engine and the simulated devices."""

    physics: PhysicsConfig
    contact_force: float = parameter("N at the tool beyond which the arm yields", low=5.0, high=200.0)
    gripper_speed: float = parameter("m/s of the finger opening", low=0.02, high=0.15)
    gripper_force: float = parameter("N per finger", low=5.0, high=235.0)
    settle_limit: float = parameter("s, maximum time for bodies to come to rest after a primitive", low=0.1, high=10.0)


def load_simulation(file: str = SIMULATION_FILE) -> SimulationConfig:
    """Load a simulation configuration from a YAML file.

    Raises:
        ConfigError: The file is missing or invalid.
    """
    return load(SimulationConfig, file)


@dataclass(frozen=True)
class Tally:
    """Number of blocks by place. Ground truth, for evaluation only, never for decisions.

    Attributes:
        targets: All targets.
        targets_in_bin: Targets in the drop bin.
        targets_lost: Targets neither in the workspace nor in the bin.
        others: All ordinary blocks.
        others_in_bin: Ordinary blocks in the drop bin.
        others_lost: Ordinary blocks neither in the workspace nor in the bin.
    """

    targets: int
    targets_in_bin: int
    targets_lost: int
    others: int
    others_in_bin: int
    others_lost: int


class SimulatedClock:
    """``Clock`` protocol in simulated time. ``fast_forward`` skips motions of arm and fingers through free space."""

    def __init__(self, world: World, arm: SimulatedArm, gripper: SimulatedGripper, *, fast_forward: bool) -> None:
        self._world = world
        self._arm = arm
        self._gripper = gripper
        self._fast_forward = fast_forward

    def now(self) -> float:
        """Simulated time in seconds."""
        return self._world.time

    def sleep(self, duration: float) -> None:
        """Simulate ``duration`` seconds, at least one step; with ``fast_forward`` more time may pass."""
        if self._fast_forward and not (self._arm.is_moving() or self._gripper.is_moving()) and self._arm.is_free():
            self._world.skip(duration)
            return
        self._world.step(max(1, round(duration / self._world.config.time_step)))
        if self._fast_forward and self._arm.is_free():
            self._gripper.skip_motion()
            self._arm.skip_free_motion()


class Environment:
    """Robot, camera, table, drop bin and a scene. Not thread-safe."""

    def __init__(
        self,
        cell: CellConfig | None = None,
        config: SimulationConfig | None = None,
        *,
        gui: bool = False,
        fast_forward: bool = True,
        camera_scale: float = 1.0,
    ) -> None:
        """Build the cell with an empty table.

        Args:
            cell: Layout of the cell; None for the shipped one.
            config: Physics and devices; None for the shipped ones.
            gui: Whether the engine opens a window.
            fast_forward: Whether motions through free space are skipped.
            camera_scale: Factor on width and height of the camera image.
        """
        self.cell = cell or load_cell()
        self.config = config or load_simulation()
        self.world = World(self.config.physics, gui=gui)
        self._gui = gui
        self._library = shipped_library()
        self._fast_forward = fast_forward
        self._camera_scale = camera_scale
        self.scene = Scene("empty", 0, {})
        self._build()

    def _build(self) -> None:
        """Add table, bin and robot to an empty world."""
        world, cell = self.world, self.cell
        table = add_table(world)
        add_bin(world, cell.drop_bin)
        self._robot = robot = Robot(world, cell.gripper_model)
        self.arm = SimulatedArm(robot, np.array(cell.home), contact_force=self.config.contact_force)
        self.gripper = SimulatedGripper(robot, speed=self.config.gripper_speed, force=self.config.gripper_force)
        self.clock = SimulatedClock(world, self.arm, self.gripper, fast_forward=self._fast_forward)
        self.camera = SimulatedCamera(world, cell.calibration, self._camera_scale)
        self.executor = PrimitiveExecutor(self.arm, self.gripper, self.clock, cell)
        self.probe = GraspProbe(world, robot, self.arm, self.gripper)
        self._generator = SceneGenerator(world, table, self.camera, self.probe, cell, self._library)

    def close(self) -> None:
        """Disconnect from the physics engine."""
        self.world.close()

    def reset(self, seed: int, scene: str = "random", targets: int | None = None, blocks: int | None = None) -> Scene:
        """Replace everything on the table with a generated scene or a preset.

        The same seed gives the same scene. In a preset, it only affects camera noise and textures.

        Args:
            seed: Seed of all random choices, at least 0.
            scene: Name of a shipped scene, or path of a preset.
            targets: Number of targets; None for that of the scene file. Must be None for a preset.
            blocks: Number of ordinary blocks; None for that of the scene file. Must be None for a preset.

        Raises:
            UnknownSceneError, InvalidGoalError, ConfigError, SceneNotSettledError: As :meth:`.SceneGenerator.generate`
                raises them. The table is then empty.
        """
        self.scene = Scene("empty", seed, {})
        self.world.clear()
        self._build()
        try:
            self.scene = self._generator.generate(scene, seed, targets, blocks)
        except ImpurityGraspError:
            for body in self.world.bodies:
                self.world.remove_body(body)
            raise
        return self.scene

    def lay_out(self, blocks: Sequence[tuple[Block, tuple[float, float, float]]]) -> list[int]:
        """Replace everything on the table with upright blocks, and let them come to rest.

        Args:
            blocks: Each block with the position of its center, in meters in ``base_link``.

        Returns:
            The body of each block.
        """
        self.world.clear()
        self._build()
        bodies = [
            spawn(self.world, block, np.array(position), np.array([0.0, 0.0, 0.0, 1.0])) for block, position in blocks
        ]
        self.scene = Scene("laid out", 0, {body: block for body, (block, _) in zip(bodies, blocks, strict=True)})
        self.world.settle(self.config.settle_limit)
        return bodies

    def set_pad_friction(self, friction: float) -> None:
        """Set the Coulomb coefficient between the finger pads and blocks, until the next reset."""
        self._robot.set_pad_friction(friction)

    def observe(self) -> RgbdFrame:
        """Capture one camera frame of the present scene."""
        return self.camera.capture()

    def step(self, primitive: Primitive, supervision: Supervision | None = None) -> Outcome:
        """Execute a primitive, then let the bodies come to rest.

        Raises:
            ImpurityGraspError: As :meth:`.PrimitiveExecutor.execute` raises it.
        """
        try:
            return self.executor.execute(primitive, supervision)
        finally:
            self.world.settle(self.config.settle_limit)

    def rehearse(self, function: Callable[[], T]) -> T:
        """Call a function without any effect on this environment, see :func:`.rehearsal.in_a_copy`.

        Bodies, robot, time, camera noise and the engine's internal state stay unchanged to the last bit, so an action
        that was rehearsed has exactly the same result when it is executed. Rehearsals can be nested. Use them for
        look-ahead only, never for decisions of a policy that is meant to run on a robot.

        Args:
            function: What to rehearse; its result has to be picklable.

        Returns:
            What ``function`` returns. What it raises is raised here.

        Raises:
            DeviceFaultError: The engine has a window and cannot be copied, or the copy ended without a result.
        """
        if self._gui:
            raise DeviceFaultError("expected an engine without a window for a rehearsal, received one with a window")
        return in_a_copy(function)

    def tally(self) -> Tally:
        """Count all blocks, those in the bin, and the lost ones: neither in the workspace nor in the bin."""
        counts = {(target, place): 0 for target in (True, False) for place in ("bin", "lost", "workspace")}
        for body, block in self.scene.blocks.items():
            counts[block.target, self._place(body)] += 1
        totals = [sum(counts[target, place] for place in ("bin", "lost", "workspace")) for target in (True, False)]
        return Tally(
            totals[0], counts[True, "bin"], counts[True, "lost"], totals[1], counts[False, "bin"], counts[False, "lost"]
        )

    def is_in_bin(self, body: int) -> bool:
        """Whether a body lies in the drop bin."""
        return lies_in_bin(self.world.position(body), self.cell.drop_bin)

    def _place(self, body: int) -> str:
        if self.is_in_bin(body):
            return "bin"
        x, y, _ = self.world.position(body)
        return "workspace" if self.cell.workspace.grid.contains(x, y) else "lost"
