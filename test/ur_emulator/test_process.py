"""The controller in a process of its own keeps its rate when the mechanics are late."""

import os
import signal
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing

import numpy as np
import pytest
from emulated_controllers import HOME
from served_cell import ServedCell, free_host

from ur_emulator.errors import EmulatorStartError
from ur_emulator.gripper import IdealFingers
from ur_emulator.mechanics_server import MechanicsServer
from ur_emulator.personality import CB3
from ur_emulator.plant import IdealArm
from ur_emulator.process import ControllerProcess

TARGET = HOME + np.array([0.6, 0.0, 0.0, 0.0, 0.0, 0.0])
STALL = 0.5


class Rig(ExitStack):
    """A controller process; a thread of this process runs its mechanics while ``runs`` is set."""

    def __init__(self) -> None:
        super().__init__()
        self.host = free_host()
        self.fingers = IdealFingers()
        self.controller = ControllerProcess(self.host, CB3, HOME, ("wave",))
        self.waves: list[int] = []
        requests: dict[str, Callable[..., None]] = {"wave": lambda times: self.waves.append(times)}
        self._mechanics = MechanicsServer(self.controller.pipe, IdealArm(HOME), self.fingers, requests)
        self.runs, self._ends = threading.Event(), threading.Event()
        self.runs.set()
        self._thread = threading.Thread(target=self._run_mechanics)
        self._thread.start()
        self.callback(self._close)
        self.cell = self.enter_context(closing(ServedCell(self.host)))

    def _run_mechanics(self) -> None:
        while not self._ends.is_set():
            if self.runs.wait(0.1) and self._mechanics.wait(0.05):
                self._mechanics.handle_next()

    def _close(self) -> None:
        self._ends.set()
        self._thread.join()
        self.controller.close()

    def run(self, line: str) -> None:
        """Upload a program of one line."""
        with socket.create_connection((self.host, 30002)) as script:
            script.sendall(f"def main():\n {line}\nend\n".encode())

    def until(self, condition: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 20.0
        while not condition():
            assert time.monotonic() < deadline, self.cell.do("state")
            time.sleep(0.01)

    def moved(self) -> float:
        """Measured angle of the first joint from home, in rad."""
        return float(self.cell.do("state")["joints"][0] - HOME[0])


@pytest.fixture
def rig() -> Iterator[Rig]:
    with Rig() as rig:
        yield rig


class Outputs:
    """An RTDE client that counts packets."""

    def __init__(self, host: str) -> None:
        self._socket = socket.create_connection((host, 30004), timeout=10.0)
        self._stream = self._socket.makefile("rb")
        for kind, payload in ((b"V", b"\0\2"), (b"O", struct.pack(">d", 125.0) + b"timestamp"), (b"S", b"")):
            self._socket.sendall(struct.pack(">Hc", 3 + len(payload), kind) + payload)
            self._packet()

    def _packet(self) -> bytes:
        size, _ = struct.unpack(">HB", self._stream.read(3))
        return self._stream.read(size - 3)

    def received(self, seconds: float) -> int:
        """Number of packets that arrive within some seconds."""
        count, end = 0, time.monotonic() + seconds
        while time.monotonic() < end:
            self._packet()
            count += 1
        return count

    def close(self) -> None:
        self._stream.close()
        self._socket.close()


def test_mechanics_that_stall_during_a_motion_neither_delay_outputs_nor_cause_a_stop(rig: Rig) -> None:
    with closing(Outputs(rig.host)) as outputs:
        rig.run(f"movej({TARGET.tolist()}, a=4.0, v=1.5)")
        rig.until(lambda: rig.moved() > 0.1)
        rig.runs.clear()
        assert outputs.received(STALL) > 0.5 * STALL * 125.0
        state = rig.cell.do("state")
        assert state["safety_mode"] == "NORMAL"
        assert state["pace"] == 0.0
        assert state["runtime_state"] == "PLAYING", "the motion has not ended, as the mechanics have not arrived"
        rig.runs.set()
        rig.until(lambda: rig.cell.do("state")["runtime_state"] == "STOPPED")
    assert rig.moved() == pytest.approx(0.6, abs=1e-6)
    assert not any("protective" in event for event in rig.cell.do("state")["events"])


def test_fingers_count_as_moving_until_the_mechanics_have_received_the_command(rig: Rig) -> None:
    with socket.create_connection((rig.host, 63352)) as gripper, gripper.makefile("rb") as answers:
        gripper.sendall(b"SET ACT 1\n")
        rig.until(lambda: rig.cell.do("state")["gripper_status"] == "ACTIVE")
        assert answers.read(3) == b"ack"
        rig.runs.clear()
        gripper.sendall(b"SET POS 3 SPE 255 FOR 10 GTO 1\n")
        assert answers.read(3) == b"ack"
        assert rig.cell.do("state")["object_state"] == "MOVING", "although they are there already, as far as is known"
        rig.runs.set()
        rig.until(lambda: rig.cell.do("state")["object_state"] == "AT_TARGET")


def test_requests_to_the_fault_port_reach_the_mechanics(rig: Rig) -> None:
    rig.cell.do("wave", times=3)
    rig.until(lambda: rig.waves == [3])


def test_signals_to_the_whole_process_group_do_not_end_the_controller(rig: Rig) -> None:
    for number in (signal.SIGINT, signal.SIGTERM):
        os.kill(rig.controller.pid, number)
    assert rig.cell.do("state")["robot_mode"] == "RUNNING"


def test_ports_that_are_taken_are_an_error() -> None:
    with Rig() as rig, pytest.raises(EmulatorStartError, match=f"expected free ports on {rig.host}"):
        ControllerProcess(rig.host, CB3, HOME)
