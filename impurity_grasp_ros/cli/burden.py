"""Simulates a slower or busier machine: limits the CPU time of processes and runs busy loops beside them."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from impurity_grasp_ros.errors import ConfigError

BUSY_LOOP = "import os\nparent = os.getppid()\nwhile os.getppid() == parent:\n    sum(range(100000))"

PERIOD_US = 10_000
"""Microseconds of the period in which a group of processes gets its share of CPU time."""


class Burden(contextlib.ExitStack):
    """A context manager that prepares to slow processes down, and ends whatever it has started.

    :attr:`prefix` holds the words to put in front of the commands to slow down; :attr:`means` says how that is done.

    Args:
        slow: The slowed processes together get ``1 / slow`` of the machine's processors.
        busy: Number of busy loops to run.

    Raises:
        ConfigError: On entry, if this machine offers no way to slow processes down.
    """

    def __init__(self, slow: int, busy: int) -> None:
        super().__init__()
        self._slow = slow
        self._busy = busy
        self.means = ""
        self.prefix: tuple[str, ...] = ()

    def __enter__(self) -> Burden:
        for _ in range(self._busy):
            self.enter_context(_loop())
        if self._slow > 1:
            self.prefix = (*without_priority(), *self._held_back())
        return self

    def _held_back(self) -> tuple[str, ...]:
        """The words to put in front of a command to slow it down."""
        group = _control_group()
        if group is not None:
            self.callback(group.rmdir)
            share = len(os.sched_getaffinity(0)) * PERIOD_US // self._slow
            (group / "cpu.max").write_text(f"{share} {PERIOD_US}\n")
            self.means = f"cpu.max of a control group: {share} of every {PERIOD_US} us"
            return ("sh", "-c", 'echo $$ >"$0"/cgroup.procs && exec "$@"', str(group))
        if not shutil.which("taskset"):
            raise ConfigError("expected a control group with a writable cpu.max, or taskset, to slow processes down")
        core = max(os.sched_getaffinity(0))
        self.means = f"processor {core} alone, shared with {self._slow - 1} busy loops"
        for _ in range(self._slow - 1):
            self.enter_context(_loop(("taskset", "-c", str(core))))
        return ("taskset", "-c", str(core))


def without_priority() -> tuple[str, ...]:
    """The words to put in front of a command so that it cannot raise its priority and escape the limit.

    Raises:
        ConfigError: The tool for this is not installed.
    """
    tool = "setpriv" if os.geteuid() == 0 else "prlimit"
    if not shutil.which(tool):
        raise ConfigError(f"expected {tool} (util-linux) to slow processes down, it is not installed")
    if tool == "setpriv":
        return ("setpriv", "--bounding-set=-sys_nice", "--inh-caps=-sys_nice")
    return ("prlimit", "--rtprio=0", "--nice=0")


@contextlib.contextmanager
def _loop(prefix: tuple[str, ...] = ()) -> Iterator[None]:
    """Run a busy loop, which ends when this process ends at the latest."""
    process = subprocess.Popen([*prefix, sys.executable, "-c", BUSY_LOOP])
    try:
        yield
    finally:
        process.kill()
        process.wait()


def _control_group() -> Path | None:
    """Create a control group (version 2) whose CPU time can be limited; None if that is not possible."""
    mounts = [line.split() for line in Path("/proc/mounts").read_text().splitlines()]
    for _, place, kind, *_ in mounts:
        group = Path(place) / f"impurity_grasp_{os.getpid()}"
        if kind != "cgroup2" or "cpu" not in (Path(place) / "cgroup.subtree_control").read_text().split():
            continue
        if not os.access(place, os.W_OK):
            continue
        group.mkdir()
        return group
    return None
