"""The emulated controller and gripper at the home of the tests, in a process of their own."""

from contextlib import AbstractContextManager

from emulated_controllers import HOME

from ur_emulator.testing import FaultClient as ServedCell
from ur_emulator.testing import free_host, running_emulator

__all__ = ["ServedCell", "free_host", "served_cell"]


def served_cell(host: str, personality: str = "cb3") -> AbstractContextManager[ServedCell]:
    """An emulator that serves until the block ends."""
    return running_emulator(host, personality, HOME.tolist())
