"""The controller of a UR arm: modes, safety, the program, and one joint command per control cycle."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import JOINT_LIMIT, flange_pose
from impurity_grasp_ros.transform import Transform
from ur_emulator.axes import BRAKING, SAFETY_BRAKING, Axes
from ur_emulator.builtins import Builtins
from ur_emulator.modes import RobotMode, RuntimeState, SafetyMode
from ur_emulator.personality import Personality
from ur_emulator.plant import ArmPlant
from ur_emulator.program import ProgramRunner
from ur_emulator.registers import Registers
from ur_emulator.tool import Tool
from ur_emulator.urscript.errors import ScriptError

UNLOCK_DELAY = 5.0
"""Seconds after a protective stop before it can be unlocked (user manual)."""

TRACKING_ERROR = 0.12
"""Radians between commanded and measured joint angles at which the safety system stops the arm."""

COLLISION_FORCE = 150.0
"""Newtons at the tool at which it does (default limit of the safety configuration)."""

LOWEST_FLANGE = -0.05
"""Metres above the base: the safety plane of the emulated configuration."""

PACE_FALL, PACE_RISE = 10.0, 5.0
"""How much of their speed motions lose or gain in a second when the mechanics fall behind or catch up."""

FULL_PACE, NO_PACE = 0.06, 0.25
"""Seconds that the mechanics may be behind before motions slow down, and at which they stand still."""

CAUGHT_UP = 0.03
"""Seconds behind up to which the mechanics count as up to date."""

HISTORY = 2000
"""Cycles of measured joint angles that are kept."""


class Controller:
    """Not thread-safe: whoever serves its interfaces also calls :meth:`cycle`."""

    def __init__(self, personality: Personality, plant: ArmPlant, joints: NDArray[np.float64]) -> None:
        self.personality = personality
        self.plant = plant
        self.axes = Axes(joints, personality.cycle)
        self.registers = Registers()
        self.robot_mode = RobotMode.RUNNING
        self.safety_mode = SafetyMode.NORMAL
        self.paused = False
        self.remote = True
        self.slider = 1.0
        self.pace = 1.0
        self.travels = False
        self.fitted = Tool()
        self.payload = 0.0
        self.digital_outputs = 0
        self.time = 0.0
        self.events: deque[str] = deque(maxlen=200)
        self.messages: deque[str] = deque(maxlen=200)
        self.program = ProgramRunner(Builtins(self), self.report)
        self.measured = plant.follow(self.axes.q, personality.cycle)
        self._history = deque([self.measured.joints], maxlen=HISTORY)
        self._zero_force: NDArray[np.float64] = np.zeros(3)
        self._stopped_at = -np.inf
        self._safeguard_ends, self._resumes = np.inf, False
        self._watchdog: tuple[str, float, str] | None = None

    # State

    @property
    def runtime_state(self) -> RuntimeState:
        """What the program does."""
        if not self.program.is_loaded:
            return RuntimeState.STOPPED
        return RuntimeState.PAUSED if self.paused else RuntimeState.PLAYING

    @property
    def speed_factor(self) -> float:
        """How fast time passes for motions: the speed slider, and less while the mechanics are behind."""
        return min(max(self.slider, 0.0), 1.0) * self.pace

    @property
    def is_caught_up(self) -> bool:
        """Whether the mechanics have done what was commanded, but for the last moment."""
        return self.measured.behind <= CAUGHT_UP

    def tool(self, joints: NDArray[np.float64], T_flange_tool: Transform | None = None) -> Transform:
        """``T_controller_tool`` of joint angles, with the active tool unless another is given."""
        return self.fitted.transform(joints) if T_flange_tool is None else flange_pose(joints) @ T_flange_tool

    def tool_speed(self) -> NDArray[np.float64]:
        """Commanded speed (6,) of the tool, m/s and rad/s in the controller's base."""
        return self.fitted.speed(self.axes.before, self.axes.q, self.personality.cycle)

    def is_within_limits(self, joints: NDArray[np.float64]) -> bool:
        """Whether the safety configuration allows joint angles."""
        allowed = joints.shape == (6,) and bool(np.isfinite(joints).all() and (np.abs(joints) <= JOINT_LIMIT).all())
        return allowed and float(flange_pose(joints)[2, 3]) > LOWEST_FLANGE

    def force(self) -> NDArray[np.float64]:
        """Force (3,) at the tool in newtons since it was zeroed."""
        return self.measured.force - self._zero_force

    def zero_force(self) -> None:
        """Take the present force for none."""
        self._zero_force = self.measured.force.copy()

    def joints_before(self, cycles: int) -> NDArray[np.float64]:
        """Measured joint angles that many cycles ago, or the oldest that are known."""
        return self._history[-1 - min(max(cycles, 0), len(self._history) - 1)]

    def report(self, event: str) -> None:
        """Log what happened to the controller."""
        self.events.append(f"{self.time:.3f} {event}")

    def trace(self, message: str) -> None:
        """Log what the program said."""
        self.messages.append(f"{self.time:.3f} {message}")

    # Commands

    def upload(self, source: str) -> None:
        """Take in a program, as the primary and secondary interfaces do: without an answer."""
        allowed = self.safety_mode is SafetyMode.NORMAL and self.robot_mode is RobotMode.RUNNING and self.remote
        if not allowed:
            self.report(f"program refused: {self.robot_mode.name}, {self.safety_mode.name}, remote {self.remote}")
        try:
            self.program.load(source, self.time, allowed=allowed)
        except ScriptError as error:
            self.report(f"program refused: {error}")

    def stop_program(self, reason: str) -> None:
        """End the program; the arm comes to rest."""
        self.program.stop(reason)
        self.paused, self._watchdog = False, None

    def set_watchdog(self, variable: str, frequency: float, action: str) -> None:
        """Act when an input is written less often than ``frequency``; 0 ends the watch."""
        self.registers.touch(variable, self.time)
        self._watchdog = (variable, 1.0 / frequency, action) if frequency > 0 else None

    def protective_stop(self, reason: str) -> None:
        """Stop for safety; the program is paused, and would go on with its motion when it is played."""
        if self.safety_mode is not SafetyMode.NORMAL:
            return
        self.safety_mode, self._stopped_at = SafetyMode.PROTECTIVE_STOP, self.time
        self.paused = True
        self.report(f"protective stop: {reason}")

    def unlock(self) -> bool:
        """Leave a protective stop, on somebody's responsibility; False when it is too early or there is none."""
        if self.safety_mode is not SafetyMode.PROTECTIVE_STOP or self.time - self._stopped_at < UNLOCK_DELAY:
            return False
        self.safety_mode = SafetyMode.NORMAL
        self.report("protective stop unlocked")
        return True

    def safeguard_stop(self, seconds: float) -> None:
        """Somebody is in the protected area for seconds; then the program resumes by itself (automatic reset).

        The program is paused meanwhile. Only a program that is stopped, or paused for another reason, stays so.
        """
        if self.safety_mode is not SafetyMode.NORMAL:
            return
        self.safety_mode, self._safeguard_ends = SafetyMode.SAFEGUARD_STOP, self.time + seconds
        self._resumes, self.paused = self.runtime_state is RuntimeState.PLAYING, True
        self.report(f"safeguard stop of {seconds:g} s")

    def _leave_safeguard_stop(self) -> None:
        self.safety_mode, self._safeguard_ends = SafetyMode.NORMAL, np.inf
        self.report("safeguard stop ended")
        if self._resumes and self.program.is_loaded:
            self.paused = False
            self.report(f"program {self.program.name} resumed")

    def emergency_stop(self) -> None:
        """The button was pressed: brakes on, power off."""
        self.stop_program("emergency stop")
        self.safety_mode, self.robot_mode = SafetyMode.ROBOT_EMERGENCY_STOP, RobotMode.POWER_OFF
        self.report("emergency stop")

    def release_emergency_stop(self) -> None:
        """The button was turned back; power stays off."""
        if self.safety_mode is SafetyMode.ROBOT_EMERGENCY_STOP:
            self.safety_mode = SafetyMode.NORMAL
            self.report("emergency stop released")

    def power_off(self) -> None:
        """Brakes on, power off."""
        self.stop_program("power off")
        self.robot_mode = RobotMode.POWER_OFF

    # Time

    def cycle(self) -> None:
        """One control cycle: program, axes, mechanics, safety."""
        self.time += self.personality.cycle
        if self.safety_mode is SafetyMode.SAFEGUARD_STOP and self.time >= self._safeguard_ends:
            self._leave_safeguard_stop()
        if self.program.starts(self.time):
            self._start()
        self._watch()
        self._adapt_pace()
        self.program.cycle(playing=self.runtime_state is RuntimeState.PLAYING)
        if not self.program.is_loaded:
            self._watchdog = None
        self.axes.cycle(BRAKING if self.safety_mode is SafetyMode.NORMAL else SAFETY_BRAKING)
        self.measured = self.plant.follow(self.axes.q, self.personality.cycle)
        self._history.append(self.measured.joints)
        self._supervise()

    def _start(self) -> None:
        """Let a program that has been loaded run; one whose start falls into a stop never does."""
        if self.safety_mode is not SafetyMode.NORMAL:
            self.stop_program(f"{self.safety_mode.name} as it was about to start")
            return
        self.paused, self.pace = False, 1.0
        self.report(f"program {self.program.name} running")

    def _adapt_pace(self) -> None:
        """Motions slow down while the mechanics are behind; after a pause they start from rest."""
        if self.runtime_state is RuntimeState.PAUSED:
            self.pace = 0.0
            return
        wanted = float(np.clip((NO_PACE - self.measured.behind) / (NO_PACE - FULL_PACE), 0.0, 1.0))
        cycle = self.personality.cycle
        self.pace = min(max(wanted, self.pace - PACE_FALL * cycle), self.pace + PACE_RISE * cycle)

    def _watch(self) -> None:
        if self._watchdog is None or self.runtime_state is not RuntimeState.PLAYING:
            return
        variable, limit, action = self._watchdog
        if self.registers.age(variable, self.time) > limit:
            self._watchdog = None
            self.report("RTDE watchdog")
            if action == "stop":
                self.stop_program("RTDE watchdog")
            else:
                self.paused = True

    def _supervise(self) -> None:
        error = float(np.abs(self.measured.joints - self.measured.commanded).max())
        force = float(np.linalg.norm(self.measured.force))
        if error > TRACKING_ERROR or force > COLLISION_FORCE:
            self.protective_stop(f"{error:.3f} rad off the path, {force:.0f} N at the tool")
            self.axes.hold(self.measured.joints)
