"""The dashboard server, a text protocol on port 29999 (Universal Robots, dashboard server guide)."""

from __future__ import annotations

from collections.abc import Callable

from ur_emulator.controller import Controller
from ur_emulator.modes import RobotMode, RuntimeState, SafetyMode

BANNER = "Connected: Universal Robots Dashboard Server"

FIXED_ANSWERS = {
    "close popup": "closing popup",
    "close safety popup": "closing safety popup",
    "get loaded program": "No program loaded",
    "get robot model": "UR5",
    "quit": "Disconnected",
}
"""Answers to commands that change nothing."""

ANSWERS_BY_PREFIX = {"popup": "showing popup", "addtolog": "Added log message", "load": "File not found: "}
"""Answers to commands with arguments, by the beginning of the line."""


class DashboardServer:
    """Answers the commands of dashboard clients."""

    def __init__(self, controller: Controller) -> None:
        self._controller = controller
        self._commands: dict[str, Callable[[], str]] = {
            "polyscopeversion": lambda: controller.personality.banner,
            "get serial number": lambda: controller.personality.serial,
            "is in remote control": lambda: str(controller.remote_control).lower(),
            "robotmode": lambda: f"Robotmode: {controller.robot_mode.name}",
            "safetymode": lambda: f"Safetymode: {controller.safety_mode.name}",
            "safetystatus": lambda: f"Safetystatus: {controller.safety_mode.name}",
            "running": lambda: f"Program running: {str(controller.runtime_state is RuntimeState.PLAYING).lower()}",
            "programstate": lambda: f"{controller.runtime_state.name} {controller.program.name or '<unnamed>'}",
            "unlock protective stop": self._unlock,
            "stop": self._stop,
            "pause": self._pause,
            "play": self._play,
            "power on": self._power_on,
            "power off": self._power_off,
            "brake release": self._release_brakes,
            "restart safety": self._restart_safety,
        }

    def answer(self, line: str) -> str:
        """Carry out a command line and return the answer, both without line end."""
        command = line.strip().lower()
        if command in self._commands:
            return self._commands[command]()
        if command in FIXED_ANSWERS:
            return FIXED_ANSWERS[command]
        for prefix, reply in ANSWERS_BY_PREFIX.items():
            if command.startswith(prefix):
                return reply
        return f"could not understand: '{line.strip()}'"

    def _unlock(self) -> str:
        if self._controller.unlock():
            return "Protective stop releasing"
        return "Cannot unlock protective stop until 5s after occurrence. Always inspect cause before unlocking"

    def _stop(self) -> str:
        self._controller.stop_program("dashboard")
        return "Stopped"

    def _pause(self) -> str:
        if self._controller.runtime_state is not RuntimeState.PLAYING:
            return "Failed to execute: pause"
        self._controller.paused = True
        return "Pausing program"

    def _play(self) -> str:
        normal = self._controller.safety_mode is SafetyMode.NORMAL
        if self._controller.runtime_state is not RuntimeState.PAUSED or not normal:
            return "Failed to execute: play"
        self._controller.paused = False
        return "Starting program"

    def _power_on(self) -> str:
        if self._controller.robot_mode is RobotMode.POWER_OFF and self._controller.safety_mode is SafetyMode.NORMAL:
            self._controller.robot_mode = RobotMode.IDLE
        return "Powering on"

    def _power_off(self) -> str:
        self._controller.power_off()
        return "Powering off"

    def _release_brakes(self) -> str:
        if self._controller.robot_mode is RobotMode.IDLE:
            self._controller.robot_mode = RobotMode.RUNNING
        return "Brake releasing"

    def _restart_safety(self) -> str:
        self._controller.safety_mode, self._controller.robot_mode = SafetyMode.NORMAL, RobotMode.POWER_OFF
        return "Restarting safety"
