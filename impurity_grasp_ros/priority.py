"""Scheduling priority for a process that must not be late."""

from __future__ import annotations

import os

REALTIME_PRIORITY = 10
NICENESS = -10


def raise_priority() -> str:
    """Schedule this process, and threads that it starts from now on, before others as far as that is permitted.

    Returns:
        What was permitted: ``real-time``, ``nice -10`` or ``ordinary``.
    """
    try:
        os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))
    except OSError:
        pass
    else:
        return "real-time"
    try:
        os.setpriority(os.PRIO_PROCESS, 0, NICENESS)
    except OSError:
        return "ordinary"
    return f"nice {NICENESS}"
