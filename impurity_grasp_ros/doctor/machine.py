"""Checks of the computer: interpreter, libraries, disk, memory, scheduling."""

from __future__ import annotations

import os
import resource
import shutil
import sys
from collections.abc import Iterator
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path

from impurity_grasp_ros.doctor.finding import Finding, fault, ok, warning
from impurity_grasp_ros.priority import REALTIME_PRIORITY

PYTHONS = (3, 10), (3, 14)
"""Oldest and newest minor version that is supported."""

NEEDED = {
    "numpy": "numpy",
    "cv2": "opencv-python-headless",
    "scipy": "scipy",
    "sklearn": "scikit-learn",
    "torch": "torch",
    "pinocchio": "pin",
    "mcap": "mcap",
}
"""Distributions by module, without which no node starts."""

ROBOT_LIBRARIES = {"rtde_control": "ur_rtde", "pyrobotiqur": "pyRobotiqUR"}
"""Distributions by module, that talk to a real robot."""

GIGABYTE = 1e9
LEAST_DISK, LEAST_MEMORY, LEAST_SHARED = 5.0, 2.0, 0.1
"""GB that should be free for recordings and logs, in memory, and in shared memory for the middleware."""

BOOTSTRAP = "source scripts/bootstrap.sh"


def check_python() -> Iterator[Finding]:
    """The interpreter and the libraries."""
    oldest, newest = PYTHONS
    found, running = ".".join(map(str, sys.version_info[:3])), sys.version_info[:2]
    if oldest <= running <= newest:
        yield ok("Python", found)
    else:
        wanted = f"3.{oldest[1]} to 3.{newest[1]}"
        yield fault("Python", f"expected {wanted}, found {found}", "set IMPURITY_GRASP_PYTHON to another interpreter")
    missing = [name for module, name in NEEDED.items() if find_spec(module) is None]
    if missing:
        yield fault("libraries", f"missing: {', '.join(missing)}", BOOTSTRAP)
    else:
        yield ok("libraries", ", ".join(f"{name} {_version(name)}" for name in NEEDED.values()))


def check_robot_libraries() -> Iterator[Finding]:
    """The libraries that talk to a real robot."""
    missing = [name for module, name in ROBOT_LIBRARIES.items() if find_spec(module) is None]
    if missing:
        yield fault("robot libraries", f"missing: {', '.join(missing)}", f"{BOOTSTRAP} robot")
    else:
        yield ok("robot libraries", ", ".join(f"{name} {_version(name)}" for name in ROBOT_LIBRARIES.values()))


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:  # installed by other means, such as apt
        return "of unknown version"


def check_resources(folder: Path) -> Iterator[Finding]:
    """Disk, memory and scheduling.

    Args:
        folder: Where recordings and logs go.
    """
    free = shutil.disk_usage(folder).free / GIGABYTE
    yield _enough("disk", free, LEAST_DISK, f"free space on the disk of {folder.absolute()}")
    available = _available_memory() / GIGABYTE
    yield _enough("memory", available, LEAST_MEMORY, "end other programs")
    shared = shutil.disk_usage("/dev/shm").free / GIGABYTE
    yield _enough("shared memory", shared, LEAST_SHARED, "enlarge or clear /dev/shm; images go through it")
    limit, _ = resource.getrlimit(resource.RLIMIT_RTPRIO)
    if os.geteuid() == 0 or limit == resource.RLIM_INFINITY or limit >= REALTIME_PRIORITY:
        yield ok("scheduling", "real-time priority is permitted")
    else:
        yield warning(
            "scheduling",
            "real-time priority is not permitted: on a busy computer the watchdog may stop the arm",
            f"add '{os.environ.get('USER', '<user>')} - rtprio {REALTIME_PRIORITY}' to /etc/security/limits.conf, "
            "then log in again",
        )


def _enough(check: str, found: float, least: float, cure: str) -> Finding:
    if found >= least:
        return ok(check, f"{found:.1f} GB free")
    return warning(check, f"expected at least {least:g} GB free, found {found:.2f} GB", cure)


def _available_memory() -> int:
    """Bytes that programs can get without swapping."""
    lines = Path("/proc/meminfo").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("MemAvailable:"))
