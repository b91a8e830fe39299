"""Raise the scheduling priority of time-critical threads, as far as the system permits it."""

from __future__ import annotations

import os
from pathlib import Path

REALTIME_PRIORITY = 10
"""Priority of threads under the policy ``SCHED_RR``."""

NICENESS = -10
"""Nice value of the process where real-time scheduling is not permitted."""


def raise_priority() -> str:
    """Schedule the calling thread before others, and so the threads that it starts from now on.

    Returns:
        What the system permitted: ``real-time``, ``nice -10`` or ``ordinary``.
    """
    return "real-time" if _realtime(0) else lower_niceness()


def ordinary_thread() -> None:
    """Return the calling thread, and threads that it starts from now on, to ordinary scheduling."""
    os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))


def lower_niceness() -> str:
    """Give this process a larger share of a busy machine, without real-time scheduling.

    Returns:
        What the system permitted: ``nice -10`` or ``ordinary``.
    """
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except PermissionError:
        return "ordinary"
    return f"nice {NICENESS}"


def prioritize_threads(prefixes: tuple[str, ...]) -> int:
    """Give real-time scheduling to the threads of this process whose names start with one of the prefixes.

    Args:
        prefixes: Beginnings of thread names, as in ``/proc/self/task/*/comm``.

    Returns:
        Number of threads for which the system permitted it.
    """
    raised = 0
    for folder in Path("/proc/self/task").iterdir():
        try:
            name = (folder / "comm").read_text()
        except OSError:  # the thread has ended in the meantime
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
