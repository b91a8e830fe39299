"""The fault register of a Robotiq 2F-85, in words."""

from __future__ import annotations

WAIT = "wait; the fault clears by itself once its cause is gone"
RESET = "check fingers, cable and power, then `recover`: it resets the gripper, and the fingers move"
FAULTS = {
    5: ("action delayed, activation must be completed first", WAIT),
    7: ("the activation bit must be set before an action", RESET),
    8: ("maximum temperature exceeded", "let it cool down and " + WAIT),
    9: ("no communication for a second", WAIT),
    10: ("supply voltage too low", RESET),
    11: ("automatic release in progress", RESET),
    12: ("internal fault", RESET),
    13: ("activation fault", RESET),
    14: ("overcurrent", RESET),
    15: ("automatic release completed", RESET),
}
"""Numbers in the fault register: what they mean and what to do (Robotiq 2F-85 manual, section on status registers)."""


def fault_words(number: int) -> str:
    """Describe a number in the fault register: what it means and what to do."""
    meaning, cure = FAULTS.get(number, ("unknown", RESET))
    return f"the gripper reports fault {number}: {meaning}; {cure}"
