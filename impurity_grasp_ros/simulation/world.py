"""A thin layer over the physics engine: add and remove bodies, query their poses, and advance time."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pybullet
from numpy.typing import NDArray
from pybullet_utils.bullet_client import BulletClient

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.constants import GRAVITY
from impurity_grasp_ros.simulation import silenced
from impurity_grasp_ros.simulation.materials import Coat

STEPS_PER_LOOK = 6
"""Physics steps between two checks whether all bodies are at rest."""

RESTING_LOOKS = 5
"""Consecutive checks at which all bodies must be at rest: a body about to tip over is slow for a moment, too."""


@dataclass(frozen=True)
class PhysicsConfig:
    """Contact simulation. Longer steps cause tunneling; with fewer iterations, light blocks sink into each other."""

    time_step: float = parameter("s, one physics step", low=1e-4, high=1 / 200)
    solver_iterations: int = parameter("iterations of the contact solver per step", low=20, high=500)
    erp: float = parameter("fraction of a penetration that is removed in one step", low=0.0, high=1.0)
    friction: float = parameter("Coulomb coefficient between two blocks, or a block and the table", low=0.01, high=2.0)
    pad_friction: float = parameter("Coulomb coefficient between a finger pad and a block", low=0.0, high=2.0)
    rolling_friction: float = parameter("m, rolling and spinning friction of round blocks", low=0.0, high=0.01)
    density: float = parameter("kg/m3 of blocks", low=10.0, high=20000.0)
    rest_speed: float = parameter("m/s below which a body counts as resting", low=1e-4, high=0.1)
    rest_turn: float = parameter("rad/s below which a body counts as resting", low=1e-3, high=3.0)


def own_friction(friction: float) -> float:
    """Coefficient of a body in the engine, which multiplies those of both bodies.

    Args:
        friction: Coulomb coefficient between two such bodies.
    """
    return math.sqrt(friction)


class World:
    """A PyBullet client; the tabletop is at z = 0.

    Attributes:
        config: Contact simulation.
        bullet: The PyBullet client.
        time: Simulated time in seconds, including skipped motions.
        coats: What the surfaces of bodies look like, for those that are not of one color.
    """

    def __init__(self, config: PhysicsConfig, *, gui: bool = False) -> None:
        self.config = config
        with silenced():
            self.bullet = BulletClient(pybullet.GUI if gui else pybullet.DIRECT)
        if gui:
            self.bullet.configureDebugVisualizer(pybullet.COV_ENABLE_GUI, 0)
        self.clear()

    def clear(self) -> None:
        """Remove all bodies and callbacks and reset the time to 0."""
        self.time = 0.0
        self._before_step: list[Callable[[], None]] = []
        self._after_step: list[Callable[[], None]] = []
        self._bodies: list[int] = []
        self.coats: dict[int, Coat] = {}
        self.bullet.resetSimulation()
        self.bullet.setGravity(0.0, 0.0, -GRAVITY)
        self.bullet.setPhysicsEngineParameter(
            fixedTimeStep=self.config.time_step,
            numSolverIterations=self.config.solver_iterations,
            erp=self.config.erp,
            contactERP=self.config.erp,
            frictionERP=self.config.erp,
            enableFileCaching=0,
            deterministicOverlappingPairs=1,
        )

    def close(self) -> None:
        """Disconnect from the engine; the world cannot be used afterward."""
        self.bullet.disconnect()

    @property
    def bodies(self) -> tuple[int, ...]:
        """IDs of the loose bodies, in the order in which they were added."""
        return tuple(self._bodies)

    def before_step(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` before every physics step; for controllers."""
        self._before_step.append(callback)

    def after_step(self, callback: Callable[[], None]) -> None:
        """Call ``callback`` after every physics step; for observers, which must not change the world."""
        self._after_step.append(callback)

    def step(self, steps: int = 1) -> None:
        """Advance the physics by a number of steps."""
        for _ in range(steps):
            for callback in self._before_step:
                callback()
            self.bullet.stepSimulation()
            self.time += self.config.time_step
            for callback in self._after_step:
                callback()

    def skip(self, duration: float) -> None:
        """Advance the time by ``duration`` seconds; simulates only until all bodies are at rest."""
        end = self.time + duration
        if not self.at_rest():
            self.settle(duration)
        self.time = max(self.time, end)

    def add_static_box(
        self,
        size: tuple[float, float, float],
        center: tuple[float, float, float],
        rgba: tuple[float, float, float, float],
    ) -> int:
        """Add an immovable box.

        Args:
            size: Edge lengths along x, y and z, meters.
            center: Its center, meters.
            rgba: Its color, 0..1.

        Returns:
            The body.
        """
        half = [edge / 2 for edge in size]
        collision = self.bullet.createCollisionShape(pybullet.GEOM_BOX, halfExtents=half)
        visual = self.bullet.createVisualShape(pybullet.GEOM_BOX, halfExtents=half, rgbaColor=rgba)
        body = self.bullet.createMultiBody(0.0, collision, visual, center)
        self.bullet.changeDynamics(body, -1, lateralFriction=own_friction(self.config.friction), restitution=0.0)
        return int(body)

    def add_body(
        self,
        mass: float,
        collision: int,
        visual: int,
        position: NDArray[np.float64],
        orientation: NDArray[np.float64],
        *,
        rolls: bool,
    ) -> int:
        """Add a loose body. The engine deactivates bodies at rest until something touches them.

        Args:
            mass: Mass, kg.
            collision: Handle of the collision shape.
            visual: Handle of the visual shape.
            position: (3,) center of mass, meters.
            orientation: (4,) quaternion (x, y, z, w).
            rolls: Whether the body gets rolling friction, which makes every contact more expensive.

        Returns:
            The body.
        """
        rolling = self.config.rolling_friction if rolls else 0.0
        body = int(self.bullet.createMultiBody(mass, collision, visual, position.tolist(), orientation.tolist()))
        self.bullet.changeDynamics(
            body,
            -1,
            lateralFriction=own_friction(self.config.friction),
            rollingFriction=rolling,
            spinningFriction=rolling,
            restitution=0.0,
            linearDamping=0.04,
            angularDamping=0.1,
            activationState=pybullet.ACTIVATION_STATE_ENABLE_SLEEPING,
        )
        self._bodies.append(body)
        return body

    def remove_body(self, body: int) -> None:
        """Remove a loose body from the world."""
        self._bodies.remove(body)
        self.coats.pop(body, None)
        self.bullet.removeBody(body)

    def wake(self) -> None:
        """Activate all loose bodies; those that rested on a removed body would otherwise float."""
        for body in self._bodies:
            self.bullet.changeDynamics(body, -1, activationState=pybullet.ACTIVATION_STATE_WAKE_UP)

    def pose(self, body: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Position (3,) in meters and orientation (4,) as quaternion (x, y, z, w) of a body's center of mass."""
        position, orientation = self.bullet.getBasePositionAndOrientation(body)
        return np.array(position), np.array(orientation)

    def position(self, body: int) -> NDArray[np.float64]:
        """Position (3,) in meters of a body's center of mass."""
        return np.array(self.bullet.getBasePositionAndOrientation(body)[0])

    def top(self, body: int) -> float:
        """Height in meters of the top of a body's bounding box."""
        return float(self.bullet.getAABB(body)[1][2])

    def at_rest(self) -> bool:
        """Whether no loose body moves faster than the configured limits."""
        for body in self._bodies:
            linear, angular = self.bullet.getBaseVelocity(body)
            if math.hypot(*linear) > self.config.rest_speed or math.hypot(*angular) > self.config.rest_turn:
                return False
        return True

    def settle(self, limit: float) -> float:
        """Step until all bodies are at rest, for at most ``limit`` seconds; returns the simulated seconds."""
        start, still = self.time, 0
        while still < RESTING_LOOKS and self.time - start < limit:
            self.step(STEPS_PER_LOOK)
            still = still + 1 if self.at_rest() else 0
        return self.time - start
