"""The emulated arm: commanded joints, measured joints, the active tool, and the pace of motions."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import JOINT_LIMIT, flange_pose
from ur_emulator.axes import Axes
from ur_emulator.plant import ArmPlant
from ur_emulator.tool import Tool

TRACKING_ERROR = 0.12
"""Largest difference between commanded and measured joint angles, in rad, before the safety system stops the arm."""

COLLISION_FORCE = 150.0
"""Largest force at the tool, in N, before the safety system stops the arm (default of the safety configuration)."""

LOWEST_FLANGE = -0.05
"""Safety plane of the emulated configuration: lowest allowed height of the flange above the base, in meters."""

PACE_FALL, PACE_RISE = 10.0, 5.0
"""Largest decrease and increase of the pace per second."""

FULL_PACE, NO_PACE = 0.06, 0.25
"""Seconds that the mechanics may be behind before motions slow down, and at which motions stand still."""

CAUGHT_UP = 0.03
"""Seconds behind up to which the mechanics count as up to date."""

HISTORY = 2000
"""Number of control cycles whose measured joint angles are kept."""


class EmulatedArm:
    """The arm of a controller.

    Args:
        plant: The mechanics.
        joints: Initial joint angles, (6,) rad.
        cycle: Length of a control cycle in seconds.

    Attributes:
        axes: Commanded joint angles and speeds.
        tool: The active tool.
        payload: Mass at the flange in kg, as set by the program.
        speed_slider: Position of the speed slider, 0 to 1.
        pace: Speed of motions, 0 to 1, lowered while the mechanics are behind.
        in_motion: Whether a motion of the program is in progress.
        measured: Measurement of the last control cycle.
    """

    def __init__(self, plant: ArmPlant, joints: NDArray[np.float64], cycle: float) -> None:
        self.plant = plant
        self.cycle_time = cycle
        self.axes = Axes(joints, cycle)
        self.tool = Tool()
        self.payload = 0.0
        self.speed_slider = 1.0
        self.pace = 1.0
        self.in_motion = False
        self.measured = plant.follow(self.axes.q, cycle)
        self._history = deque([self.measured.joints], maxlen=HISTORY)
        self._zero_force: NDArray[np.float64] = np.zeros(3)

    @property
    def speed_factor(self) -> float:
        """How fast time passes for motions: speed slider times pace."""
        return min(max(self.speed_slider, 0.0), 1.0) * self.pace

    @property
    def is_caught_up(self) -> bool:
        """Whether the mechanics have carried out all but the latest commands."""
        return self.measured.behind <= CAUGHT_UP

    def tool_speed(self) -> NDArray[np.float64]:
        """Commanded linear and angular velocity of the tool, (6,) m/s and rad/s in the controller's base frame."""
        return self.tool.speed(self.axes.previous_q, self.axes.q, self.cycle_time)

    def force(self) -> NDArray[np.float64]:
        """Force at the tool relative to the last :meth:`zero_force`, (3,) N in the controller's base frame."""
        return self.measured.force - self._zero_force

    def zero_force(self) -> None:
        """Use the present force as zero."""
        self._zero_force = self.measured.force.copy()

    def joints_before(self, cycles: int) -> NDArray[np.float64]:
        """Measured joint angles, (6,) rad, a number of control cycles ago, or the oldest that are known."""
        return self._history[-1 - min(max(cycles, 0), len(self._history) - 1)]

    def is_within_limits(self, joints: NDArray[np.float64]) -> bool:
        """Whether the safety configuration allows joint angles in rad; anything but six finite numbers is refused."""
        allowed = joints.shape == (6,) and bool(np.isfinite(joints).all() and (np.abs(joints) <= JOINT_LIMIT).all())
        return allowed and float(flange_pose(joints)[2, 3]) > LOWEST_FLANGE

    def adapt_pace(self, *, paused: bool) -> None:
        """Slow motions down while the mechanics are behind; after a pause they start from rest."""
        if paused:
            self.pace = 0.0
            return
        wanted = float(np.clip((NO_PACE - self.measured.behind) / (NO_PACE - FULL_PACE), 0.0, 1.0))
        self.pace = min(max(wanted, self.pace - PACE_FALL * self.cycle_time), self.pace + PACE_RISE * self.cycle_time)

    def advance(self, braking: float) -> None:
        """Finish a control cycle: command the joints and measure.

        Args:
            braking: Deceleration in rad/s2 of joints that were not commanded in this cycle.
        """
        self.axes.cycle(braking)
        self.measured = self.plant.follow(self.axes.q, self.cycle_time)
        self._history.append(self.measured.joints)

    def violation(self) -> str:
        """Why the safety system must stop the arm; empty if it need not."""
        error = float(np.abs(self.measured.joints - self.measured.commanded).max())
        force = float(np.linalg.norm(self.measured.force))
        if error > TRACKING_ERROR or force > COLLISION_FORCE:
            return f"{error:.3f} rad off the path, {force:.0f} N at the tool"
        return ""

    def hold(self) -> None:
        """Stop at once at the measured joint angles."""
        self.axes.hold(self.measured.joints)
