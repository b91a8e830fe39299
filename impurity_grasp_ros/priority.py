"""Scheduling priority for what must not be late, as far as the system permits it."""

from __future__ import annotations

import os
from pathlib import Path

REALTIME_PRIORITY = 10
NICENESS = -10


def raise_priority() -> str:
    """Schedule the calling thread, and threads that it starts from now on, before others.

    Returns:
        What was permitted: ``real-time``, ``nice -10`` or ``ordinary``.
    """
    return "real-time" if _realtime(0) else lower_niceness()


def ordinary_thread() -> None:
    """Take real-time scheduling from the calling thread, and from threads that it starts from now on."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def lower_niceness() -> str:
    """Give this process a larger share of a busy machine, without real-time scheduling.

    Returns:
        What was permitted: ``nice -10`` or ``ordinary``.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError:
        return "ordinary"
    return f"nice {NICENESS}"


def prioritize_threads(prefixes: tuple[str, ...]) -> int:
    """Schedule those threads of this process in real time whose names begin with one of some prefixes.

    Args:
        prefixes: Beginnings of thread names, as the system knows them.

    Returns:
        How many threads were permitted to.
    """
    raised = 0
    for folder in Path("/proc/self/task").iterdir():
        try:
            name = (folder / "comm").read_text()
        except OSError:  # it has ended meanwhile
            continue
        if name.startswith(prefixes):
            raised += _realtime(int(folder.name))
    return raised


def _realtime(thread: int) -> bool:
    try:
        os.sched_setscheduler(thread, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
    except (PermissionError, ProcessLookupError):
        return False
    return True
