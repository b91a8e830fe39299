"""A burden beside a run: it is there, holds back what it should, and goes when the run ends."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
from graph import until

from impurity_grasp_ros.cli import burden
from impurity_grasp_ros.cli.burden import Burden, without_priority
from impurity_grasp_ros.errors import ConfigError

WORK = "import time\nend = time.process_time() + 0.3\nwhile time.process_time() < end: pass"


def busy_loops() -> list[int]:
    """Processes of ours that run a busy loop."""
    found = subprocess.run(
        ["pgrep", "-P", str(os.getpid()), "-f", "parent = os.getppid"], capture_output=True, text=True
    )
    return [int(number) for number in found.stdout.split()]


def test_busy_loops_end_with_it() -> None:
    with Burden(slow=1, busy=2) as burden:
        loops = until(lambda: (found := busy_loops())[1:] and found, "two busy loops")
        assert burden.prefix == ()
    assert not any(Path(f"/proc/{number}").exists() for number in loops)


def test_a_slowed_process_gets_a_part_of_the_machine() -> None:
    with Burden(slow=3, busy=0) as burden:
        assert burden.means
        start = time.monotonic()
        subprocess.run([*burden.prefix, sys.executable, "-c", WORK], check=True)
        assert time.monotonic() - start > 0.45, "0.3 s of work at a third of a processor, or of two"
    assert not busy_loops()


def test_a_slowed_process_cannot_raise_its_priority() -> None:
    code = "import os\ntry: os.setpriority(os.PRIO_PROCESS, 0, -5)\nexcept PermissionError: print('refused')"
    run = subprocess.run([*without_priority(), sys.executable, "-c", code], capture_output=True, text=True)
    assert run.stdout == "refused\n", run.stderr


@pytest.mark.parametrize("tool", ["setpriv", "taskset"])
def test_a_machine_without_the_tools_is_named(monkeypatch: pytest.MonkeyPatch, tool: str) -> None:
    monkeypatch.setattr(burden, "_control_group", lambda: None)
    monkeypatch.setattr(burden.os, "geteuid", lambda: 0)
    monkeypatch.setattr(burden.shutil, "which", lambda name: None if name == tool else f"/usr/bin/{name}")
    with pytest.raises(ConfigError, match=tool), Burden(slow=2, busy=0):
        pass
