"""What devices and actors must offer. Simulated, emulated and real ones satisfy the same protocols.

Motions are asynchronous so that the caller keeps deadlines and can cancel: start, poll ``is_moving`` while sleeping on
the :class:`Clock`, ``stop`` when needed. A device that fails raises ``DeviceFaultError``.
"""

from collections.abc import Callable, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap, Primitive, RgbdFrame
from impurity_grasp_ros.transform import Transform

JointPositions = NDArray[np.float64]
"""Six joint angles in radians, base to tool, shape (6,)."""


class Clock(Protocol):
    """Time as the robot feels it: the wall's on hardware, the physics engine's in simulation."""

    def now(self) -> float:
        """Seconds since an arbitrary start, never going back."""
        ...

    def sleep(self, duration: float) -> None:
        """Let ``duration`` seconds pass."""
        ...


class Camera(Protocol):
    """A statically mounted, calibrated RGB-D camera."""

    def capture(self) -> RgbdFrame:
        """Take one registered colour and depth image."""
        ...


class Arm(Protocol):
    """A six-axis arm with its tool centre point between the closed finger tips."""

    def joint_positions(self) -> JointPositions:
        """Measured joint angles."""
        ...

    def tool_pose(self) -> Transform:
        """Measured ``T_base_tool``."""
        ...

    def tool_force(self) -> NDArray[np.float64]:
        """Force (3,) in newtons at the tool, in ``base_link``, the payload's weight taken off.

        It may have an offset, which changes slowly with the arm's pose: only differences tell of contact.
        """
        ...

    def set_payload(self, held_mass: float) -> None:
        """Tell the arm that the fingers hold ``held_mass`` kilograms, 0 for nothing; to be called at rest."""
        ...

    def speed_fraction(self) -> float:
        """How fast motions run compared with what was asked for: a speed slider, 0 to 1."""
        ...

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        """Joint angles that reach the pose, the closest to the present ones; None when there are none."""
        ...

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in joint space; rad/s and rad/s2 of the leading axis."""
        ...

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in Cartesian space; m/s and m/s2 of the tool."""
        ...

    def is_moving(self) -> bool:
        """Whether the motion started last is still under way."""
        ...

    def stop(self) -> None:
        """Halt at once and stay there. Safe to call at any time."""
        ...


class Gripper(Protocol):
    """A two-finger parallel gripper."""

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers to ``opening`` metres; they stall on an object with a limited force."""
        ...

    def is_moving(self) -> bool:
        """Whether the fingers still move."""
        ...

    def opening(self) -> float:
        """Measured distance between the fingers in metres."""
        ...

    def is_holding(self) -> bool:
        """Whether something stopped the fingers while they closed, and still keeps them apart."""
        ...


class Device(Protocol):
    """A driver that keeps in touch with its device by itself, and knows what is the matter with it."""

    def problem(self) -> str:
        """Why the device cannot move, empty when it can."""
        ...

    def recover(self, must_stop: Callable[[], bool]) -> None:
        """Make it ready again, on a person's request; ``must_stop`` says when to give up.

        Raises DeviceFaultError with what is still in the way, CanceledError when it was told to give up.
        """
        ...

    def values(self) -> dict[str, str]:
        """Its state for diagnostics, by name, also while it cannot move."""
        ...

    def close(self) -> None:
        """Let the device go, stopped as it is."""
        ...


class ArmDriver(Arm, Device, Protocol):
    """A real arm."""


class GripperDriver(Gripper, Device, Protocol):
    """A real gripper."""

    def last_opening(self) -> float | None:
        """The opening in metres measured last, without asking the gripper; None before the first time."""
        ...


class Actor(Protocol):
    """A policy: what to do about an attention."""

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose a primitive for a TARGET or CANDIDATE attention, given this job's attempts, oldest first.

        Primitives stay on the heightmap's grid, which is the workspace. Raises NoPrimitiveError when there is nothing
        sensible to do.
        """
        ...
