"""``python -m ur_emulator`` prints its ports and ends cleanly."""

import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, closing

import pytest

from ur_emulator.errors import EmulatorStartError
from ur_emulator.server import PORTS
from ur_emulator.testing import FaultClient, free_host, running_emulator

LIMIT = 30.0


def started(*options: str) -> subprocess.Popen[str]:
    """Start the command."""
    command = [sys.executable, "-m", "ur_emulator", *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize(("personality", "version"), [("cb3", "3.15"), ("e-series", "5.12")])
def test_it_prints_its_ports_and_ends_on_a_signal(personality: str, version: str, number: signal.Signals) -> None:
    host = free_host()
    with started("--host", host, "--personality", personality) as process:
        assert process.stdout is not None
        said = ""
        while not said.endswith("ready; press Ctrl-C to stop\n"):
            said += process.stdout.readline()
        process.send_signal(number)
        rest, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, rest, errors) == (0, "", "")
    assert f"URSoftware {version}." in said
    assert f"on {host}\n" in said
    assert all(f"  {service:<10}{port}\n" in said for service, port in PORTS.items())


def test_a_signal_ends_it_while_clients_are_connected() -> None:
    host = free_host()
    with ExitStack() as stack:
        process = stack.enter_context(started("--host", host))
        assert process.stdout is not None
        assert any(line.startswith("ready") for line in process.stdout)
        for port in PORTS.values():
            stack.enter_context(socket.create_connection((host, port), timeout=LIMIT))
        process.send_signal(signal.SIGINT)
        _, errors = process.communicate(timeout=LIMIT)
    assert (process.returncode, errors) == (0, "")


def test_the_arm_starts_at_the_given_joint_angles() -> None:
    joints = [0.1, -1.5, 1.2, -1.3, -1.6, -1 / 3]
    with running_emulator(free_host(), joints=joints) as client:
        assert client.do("state")["joints"] == joints


@pytest.mark.parametrize("options", [["--joints", *["9.0"] * 6], ["--host", "203.0.113.1"], ["--personality", "cb4"]])
def test_invalid_options_are_refused_with_a_reason(options: list[str]) -> None:
    with started(*options) as process:
        said, errors = process.communicate(timeout=LIMIT)
    assert process.returncode in (1, 2)
    assert said == ""
    assert "expected" in errors or "invalid choice" in errors
    assert "Traceback" not in errors


def test_taken_ports_are_an_error() -> None:
    host = free_host()
    with running_emulator(host):
        with started("--host", host) as process:
            _, errors = process.communicate(timeout=LIMIT)
        assert errors.startswith(f"expected free ports on {host}: ")
        with pytest.raises(EmulatorStartError, match="exit code 1"), running_emulator(host):
            pass


def test_a_fault_client_reports_an_emulator_that_has_ended() -> None:
    host = free_host()
    assert not FaultClient.is_served(host)
    with running_emulator(host):
        assert FaultClient.is_served(host)
        client = FaultClient(host)
    with closing(client), pytest.raises(ConnectionError):
        client.do("state")
