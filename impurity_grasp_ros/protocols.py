"""Protocols of devices and actors. Simulated, emulated and real devices satisfy the same protocols.

Motions are asynchronous, so that the caller can enforce deadlines and cancel: start a motion, poll ``is_moving`` while
sleeping on the :class:`Clock`, and call ``stop`` when needed. A device that fails raises ``DeviceFaultError``.
"""

from collections.abc import Callable, Iterator, Sequence
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Attempt, Attention, Heightmap, Primitive, RgbdFrame
from impurity_grasp_ros.transform import Transform

JointPositions = NDArray[np.float64]
"""Six joint angles in radians, from base to tool, (6,) float64."""


class Clock(Protocol):
    """The robot's time: wall-clock time on hardware, simulated time in simulation."""

    def now(self) -> float:
        """Return seconds since an arbitrary start; the value never decreases."""
        ...

    def sleep(self, duration: float) -> None:
        """Wait for ``duration`` seconds."""
        ...


class Camera(Protocol):
    """A statically mounted, calibrated RGB-D camera."""

    def capture(self) -> RgbdFrame:
        """Take one registered color and depth image."""
        ...


class Arm(Protocol):
    """A six-axis arm with its tool center point between the closed fingertips."""

    def joint_positions(self) -> JointPositions:
        """Return the measured joint angles."""
        ...

    def tool_pose(self) -> Transform:
        """Return the measured ``T_base_tool``."""
        ...

    def tool_force(self) -> NDArray[np.float64]:
        """Return the force at the tool without the payload's weight, (3,) in newtons, in ``base_link``.

        It may have an offset that changes slowly with the arm's pose, so only differences indicate contact.
        """
        ...

    def set_payload(self, held_mass: float) -> None:
        """Tell the arm that the fingers hold ``held_mass`` kilograms, 0 for nothing; call only when at rest."""
        ...

    def speed_fraction(self) -> float:
        """Return actual over commanded speed, 0 to 1: the speed slider, or less when the controller slows down."""
        ...

    def inverse_kinematics(self, T_base_tool: Transform) -> JointPositions | None:
        """Return the joint angles that reach a pose and are closest to the present ones; None if there are none."""
        ...

    def start_joint_motion(self, joints: JointPositions, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in joint space.

        Args:
            joints: Where it ends.
            speed: rad/s of the leading axis.
            acceleration: rad/s2 of the leading axis.
        """
        ...

    def start_linear_motion(self, T_base_tool: Transform, speed: float, acceleration: float) -> None:
        """Start a motion that is straight in Cartesian space.

        Args:
            T_base_tool: Where it ends.
            speed: m/s of the tool.
            acceleration: m/s2 of the tool.
        """
        ...

    def is_moving(self) -> bool:
        """Whether the last motion that was started is still in progress."""
        ...

    def stop(self) -> None:
        """Stop at once and stay there. Can be called at any time."""
        ...


class Gripper(Protocol):
    """A two-finger parallel gripper."""

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers until they are ``opening`` meters apart; an object stops them, at limited force."""
        ...

    def is_moving(self) -> bool:
        """Whether the fingers are still moving."""
        ...

    def opening(self) -> float:
        """Return the measured distance between the fingers in meters."""
        ...

    def is_holding(self) -> bool:
        """Whether something stopped the fingers while they were closing and still keeps them apart."""
        ...


class Device(Protocol):
    """A driver that keeps up the connection to its device and monitors the device's state."""

    def problem(self) -> str:
        """Return why the device cannot move; empty when it can."""
        ...

    def recover(self, must_stop: Callable[[], bool]) -> None:
        """Make the device ready again, at a person's request.

        Args:
            must_stop: Polled meanwhile; returns true when to give up.

        Raises:
            DeviceFaultError: The device is still not ready; the message says why.
            CanceledError: ``must_stop`` returned true.
        """
        ...

    def values(self) -> dict[str, str]:
        """Return the device's state by name, for diagnostics; also works while the device cannot move."""
        ...

    def close(self) -> None:
        """Disconnect from the device, which stays stopped."""
        ...


class ArmDriver(Arm, Device, Protocol):
    """A real arm."""


class GripperDriver(Gripper, Device, Protocol):
    """A real gripper."""

    def last_opening(self) -> float | None:
        """Return the opening in meters as last measured, without asking the gripper; None if never measured."""
        ...


class Actor(Protocol):
    """A policy: it chooses the primitive to execute."""

    def select(self, heightmap: Heightmap, attention: Attention, history: Sequence[Attempt]) -> Primitive:
        """Choose a primitive.

        Args:
            heightmap: The view.
            attention: Where to act, in state TARGET or CANDIDATE.
            history: The attempts of this job, oldest first.

        Returns:
            A primitive that stays on the heightmap's grid, which is the workspace.

        Raises:
            NoPrimitiveError: There is nothing sensible to do.
        """
        ...


class Foreseen(NamedTuple):
    """What is expected to be in view after an action.

    Attributes:
        crop: Crop (112, 112) of the heightmap around the target.
        mask: (112, 112) bool, the target's cells.
    """

    crop: Heightmap
    mask: NDArray[np.bool_]


class Foresight(Protocol):
    """Tells what comes of pushes before they are carried out."""

    def after(
        self, heightmap: Heightmap, attention: Attention, pushes: Sequence[Primitive]
    ) -> Iterator[Foreseen | None]:
        """Tell what would be in view after each of several pushes.

        Args:
            heightmap: The present view.
            attention: The target in it.
            pushes: The pushes, each of them from the present state.

        Yields:
            The view after each push; None if the target would no longer be in view.
        """
        ...
