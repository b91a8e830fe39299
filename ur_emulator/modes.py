"""States of a controller, with their numbers on the RTDE interface (Universal Robots, RTDE guide)."""

from enum import IntEnum


class RobotMode(IntEnum):
    """Output ``robot_mode``."""

    POWER_OFF = 3
    IDLE = 5
    RUNNING = 7


class SafetyMode(IntEnum):
    """Output ``safety_mode``."""

    NORMAL = 1
    PROTECTIVE_STOP = 3
    SAFEGUARD_STOP = 5
    ROBOT_EMERGENCY_STOP = 7
    FAULT = 9


class RuntimeState(IntEnum):
    """Output ``runtime_state``."""

    STOPPED = 1
    PLAYING = 2
    PAUSED = 4


SAFETY_BITS = {
    SafetyMode.NORMAL: 1 << 0,
    SafetyMode.PROTECTIVE_STOP: 1 << 2 | 1 << 10,
    SafetyMode.SAFEGUARD_STOP: 1 << 4 | 1 << 10,
    SafetyMode.ROBOT_EMERGENCY_STOP: 1 << 6 | 1 << 7 | 1 << 10,
    SafetyMode.FAULT: 1 << 9 | 1 << 10,
}
"""Output ``safety_status_bits``. Bit 0: normal mode, 2: protective stop, 4: safeguard stop, 6: robot emergency stop,
7: emergency stop, 9: fault, 10: stopped due to safety."""
