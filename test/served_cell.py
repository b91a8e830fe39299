"""An emulated cell in its own process and on its own loopback address, and a client of its fault port."""

from __future__ import annotations

import asyncio
import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from impurity_grasp_ros.emulation.server import CONTROL_PORT

START_LIMIT = 20.0


class ServedCell:
    """Client of a running cell. host: its address."""

    def __init__(self, host: str) -> None:
        self.host = host
        self._control = socket.create_connection((host, CONTROL_PORT), timeout=10.0).makefile("rw")

    @classmethod
    def is_served(cls, host: str) -> bool:
        """Whether a cell is running at this address."""
        try:
            cls(host).close()
        except OSError:
            return False
        return True

    def do(self, what: str, **arguments: Any) -> dict[str, Any]:
        """Inject a fault, or ask for the ``state``; returns the state afterwards."""
        self._control.write(json.dumps({"do": what, **arguments}) + "\n")
        self._control.flush()
        answer: dict[str, Any] = json.loads(self._control.readline())
        assert "error" not in answer, answer
        return answer

    def close(self) -> None:
        self._control.close()


@contextmanager
def served_cell(host: str, personality: str = "cb3") -> Iterator[ServedCell]:
    """A cell that runs until the block ends."""
    process = subprocess.Popen([sys.executable, __file__, host, personality], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        assert process.stdout.readline() == "ready\n"
        cell = ServedCell(host)
        yield cell
        cell.close()
    finally:
        process.kill()
        process.wait()


def free_host() -> str:
    """A loopback address on which nothing listens; it is derived from the time, so that calls differ."""
    stamp = time.monotonic_ns() // 1000
    return f"127.{1 + stamp % 250}.{stamp // 250 % 250}.{1 + stamp // 62500 % 250}"


def main() -> None:
    """Run the cell until this process is killed."""
    sys.path.insert(0, str(Path(__file__).parent))
    from emulated_controllers import controller_of

    from impurity_grasp_ros.emulation.gripper import IdealFingers
    from impurity_grasp_ros.emulation.personality import personality
    from impurity_grasp_ros.emulation.server import EmulatedCell
    from impurity_grasp_ros.priority import raise_priority

    raise_priority()  # a real controller keeps its cycle time, however busy the test machine is
    cell = EmulatedCell(controller_of(personality(sys.argv[2])), IdealFingers(), sys.argv[1])
    asyncio.run(cell.run(lambda: print("ready", flush=True)))


if __name__ == "__main__":
    main()
