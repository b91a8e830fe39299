"""The controller of a UR arm: robot mode, safety mode, program, and one joint command per control cycle."""

from __future__ import annotations

from collections import deque

import numpy as np
from numpy.typing import NDArray

from ur_emulator.arm import EmulatedArm
from ur_emulator.axes import BRAKING, SAFETY_BRAKING
from ur_emulator.builtins import Builtins
from ur_emulator.errors import ScriptError
from ur_emulator.modes import RobotMode, RuntimeState, SafetyMode
from ur_emulator.personality import Personality
from ur_emulator.plant import ArmPlant
from ur_emulator.program import ProgramRunner
from ur_emulator.registers import Registers

UNLOCK_DELAY = 5.0
"""Seconds after a protective stop before it can be unlocked (user manual)."""

LOG_LENGTH = 200
"""Number of events, and of messages of the program, that are kept."""

DIGITAL_INPUTS = 18
"""Eight standard, eight configurable, and two of the tool."""


class Controller:
    """An emulated controller. Not thread-safe: whoever serves its interfaces also calls :meth:`cycle`.

    Args:
        personality: Generation of the controller.
        plant: The mechanics of the arm.
        joints: Initial joint angles, (6,) rad.

    Attributes:
        arm: The arm and its tool.
        registers: Shared by RTDE clients and the program.
        robot_mode: Whether power is on and brakes are released.
        safety_mode: Which safety stop is active, if any.
        paused: Whether the loaded program is paused.
        remote_control: Whether programs of clients are accepted.
        digital_inputs: Digital inputs, one bit each.
        digital_outputs: Standard digital outputs, one bit each.
        time: Seconds since the start, in control cycles.
        events: What happened to the controller, with time stamps.
        messages: What the program wrote with ``textmsg``, with time stamps.
    """

    def __init__(self, personality: Personality, plant: ArmPlant, joints: NDArray[np.float64]) -> None:
        self.personality = personality
        self.arm = EmulatedArm(plant, joints, personality.cycle)
        self.registers = Registers()
        self.robot_mode = RobotMode.RUNNING
        self.safety_mode = SafetyMode.NORMAL
        self.paused = False
        self.remote_control = True
        self.digital_inputs = self.digital_outputs = 0
        self.time = 0.0
        self.events: deque[str] = deque(maxlen=LOG_LENGTH)
        self.messages: deque[str] = deque(maxlen=LOG_LENGTH)
        self.program = ProgramRunner(Builtins(self), self.log_event)
        self._stopped_at = -np.inf
        self._safeguard_end, self._resume_after_safeguard = np.inf, False
        self._watchdog: tuple[str, float, str] | None = None

    @property
    def runtime_state(self) -> RuntimeState:
        """State of the program."""
        if not self.program.is_loaded:
            return RuntimeState.STOPPED
        return RuntimeState.PAUSED if self.paused else RuntimeState.PLAYING

    def set_digital_input(self, number: int, on: bool) -> None:
        """Set an input as a device that is wired to it does.

        Args:
            number: 0 to 7: standard, 8 to 15: configurable, 16 and 17: of the tool.
            on: Its level.

        Raises:
            ValueError: There is no such input.
        """
        if not 0 <= number < DIGITAL_INPUTS:
            raise ValueError(f"expected the number of an input, 0 to {DIGITAL_INPUTS - 1}, received {number}")
        self.digital_inputs = self.digital_inputs & ~(1 << number) | on << number

    def log_event(self, event: str) -> None:
        """Log what happened to the controller."""
        self.events.append(f"{self.time:.3f} {event}")

    def log_message(self, message: str) -> None:
        """Log what the program wrote."""
        self.messages.append(f"{self.time:.3f} {message}")

    # Commands

    def upload(self, source: str) -> None:
        """Load a program as the script interfaces do: without an answer. Errors and refusals are logged as events."""
        allowed = self.safety_mode is SafetyMode.NORMAL and self.robot_mode is RobotMode.RUNNING and self.remote_control
        if not allowed:
            modes = f"{self.robot_mode.name}, {self.safety_mode.name}"
            self.log_event(f"program refused: {modes}, remote control {self.remote_control}")
        try:
            self.program.load(source, self.time, allowed=allowed)
        except ScriptError as error:
            self.log_event(f"program refused: {error}")

    def stop_program(self, reason: str) -> None:
        """End the program; the arm brakes."""
        self.program.stop(reason)
        self.paused, self._watchdog = False, None

    def set_watchdog(self, variable: str, frequency: float, action: str) -> None:
        """Watch how often clients write an input.

        Args:
            variable: RTDE name of the input.
            frequency: Lowest allowed rate in Hz; 0 ends the watch.
            action: ``stop`` or ``pause``, for the program when the input is written less often.
        """
        self.registers.touch(variable, self.time)
        self._watchdog = (variable, 1.0 / frequency, action) if frequency > 0 else None

    def protective_stop(self, reason: str) -> None:
        """Brake and pause the program, which continues its motion when it is played again after :meth:`unlock`."""
        if self.safety_mode is not SafetyMode.NORMAL:
            return
        self.safety_mode, self._stopped_at = SafetyMode.PROTECTIVE_STOP, self.time
        self.paused = True
        self.log_event(f"protective stop: {reason}")

    def unlock(self) -> bool:
        """Leave a protective stop. Returns False when there is none or it began less than 5 s ago."""
        if self.safety_mode is not SafetyMode.PROTECTIVE_STOP or self.time - self._stopped_at < UNLOCK_DELAY:
            return False
        self.safety_mode = SafetyMode.NORMAL
        self.log_event("protective stop unlocked")
        return True

    def safeguard_stop(self, seconds: float) -> None:
        """Open the safeguard, for example a light curtain with automatic reset, for some seconds.

        The program is paused and resumes by itself, unless it was stopped meanwhile or paused before.
        """
        if self.safety_mode is not SafetyMode.NORMAL:
            return
        self.safety_mode, self._safeguard_end = SafetyMode.SAFEGUARD_STOP, self.time + seconds
        self._resume_after_safeguard, self.paused = self.runtime_state is RuntimeState.PLAYING, True
        self.log_event(f"safeguard stop of {seconds:g} s")

    def _end_safeguard_stop(self) -> None:
        self.safety_mode, self._safeguard_end = SafetyMode.NORMAL, np.inf
        self.log_event("safeguard stop ended")
        if self._resume_after_safeguard and self.program.is_loaded:
            self.paused = False
            self.log_event(f"program {self.program.name} resumed")

    def emergency_stop(self) -> None:
        """Press the emergency stop button: brakes on, power off."""
        self.stop_program("emergency stop")
        self.safety_mode, self.robot_mode = SafetyMode.ROBOT_EMERGENCY_STOP, RobotMode.POWER_OFF
        self.log_event("emergency stop")

    def release_emergency_stop(self) -> None:
        """Release the emergency stop button; power stays off."""
        if self.safety_mode is SafetyMode.ROBOT_EMERGENCY_STOP:
            self.safety_mode = SafetyMode.NORMAL
            self.log_event("emergency stop released")

    def power_off(self) -> None:
        """Engage the brakes and switch power off."""
        self.stop_program("power off")
        self.robot_mode = RobotMode.POWER_OFF

    # Time

    def cycle(self) -> None:
        """Run one control cycle: program, axes, mechanics, safety."""
        self.time += self.personality.cycle
        if self.safety_mode is SafetyMode.SAFEGUARD_STOP and self.time >= self._safeguard_end:
            self._end_safeguard_stop()
        if self.program.take_start(self.time):
            self._start_program()
        self._check_watchdog()
        self.arm.adapt_pace(paused=self.runtime_state is RuntimeState.PAUSED)
        self.program.cycle(playing=self.runtime_state is RuntimeState.PLAYING)
        if not self.program.is_loaded:
            self._watchdog = None
        self.arm.advance(BRAKING if self.safety_mode is SafetyMode.NORMAL else SAFETY_BRAKING)
        if violation := self.arm.violation():
            self.protective_stop(violation)
            self.arm.hold()

    def _start_program(self) -> None:
        """Start the loaded program; if a safety stop began while it was loading, it never runs."""
        if self.safety_mode is not SafetyMode.NORMAL:
            self.stop_program(f"{self.safety_mode.name} as it was about to start")
            return
        self.paused, self.arm.pace = False, 1.0
        self.log_event(f"program {self.program.name} running")

    def _check_watchdog(self) -> None:
        if self._watchdog is None or self.runtime_state is not RuntimeState.PLAYING:
            return
        variable, limit, action = self._watchdog
        if self.registers.age(variable, self.time) > limit:
            self._watchdog = None
            self.log_event("RTDE watchdog")
            if action == "stop":
                self.stop_program("RTDE watchdog")
            else:
                self.paused = True
