"""The examples in the README of the emulator run, and its tables are complete."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from emulated_controllers import controller_of

from ur_emulator.faults import FaultInjector
from ur_emulator.gripper import IdealFingers, UrcapGripper
from ur_emulator.server import PORTS, EmulatorServer
from ur_emulator.testing import FaultClient, free_host

pytest.importorskip("rtde_control")

README = (Path(__file__).resolve().parents[2] / "ur_emulator" / "README.md").read_text(encoding="utf-8")
HOST = "127.0.0.1"
EXAMPLES = re.findall(r"^```python\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
COMMANDS = re.findall(r"^```bash\n(.*?)^```$", README, re.MULTILINE | re.DOTALL)
LIMIT = 60.0


def table(heading: str) -> set[str]:
    """First column of the table under a heading."""
    section = README.partition(f"\n## {heading}\n")[2].partition("\n## ")[0]
    return set(re.findall(r"^\| `(\w+)` \|", section, re.MULTILINE))


@pytest.fixture(scope="module")
def host() -> Iterator[str]:
    """Address of an emulator that was started as the README says."""
    (command,) = COMMANDS
    address = free_host()
    words = [sys.executable if word == "python" else word for word in shlex.split(command)]
    with subprocess.Popen([*words, "--host", address], stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert any(line.startswith("ready") for line in process.stdout)
            yield address
        finally:
            process.kill()


def run(code: str, folder: Path) -> None:
    """Run an example, with pytest if it is a file of tests."""
    name = re.match(r"# (test_\w+\.py)\n", code)
    path = folder / (name[1] if name else "example.py")
    path.write_text(code)
    options = ["-m", "pytest", "-q", "-p", "no:cacheprovider", f"--rootdir={folder}"] if name else []
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([os.getcwd(), os.environ.get("PYTHONPATH", "")])}
    command = [sys.executable, *options, str(path)]
    process = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, timeout=LIMIT)
    assert process.returncode == 0, process.stdout + process.stderr


def test_every_code_block_is_run_by_a_test() -> None:
    assert len(EXAMPLES) == 3
    assert README.count("```") == 2 * (len(EXAMPLES) + len(COMMANDS))


def test_the_first_example_moves_the_arm_and_the_second_stops_it(host: str, tmp_path: Path) -> None:
    with closing(FaultClient(host)) as client:
        run(EXAMPLES[0].replace(HOST, host), tmp_path)
        assert client.do("state")["joints"][0] == pytest.approx(0.5, abs=1e-3)
        run(EXAMPLES[1].replace(HOST, host), tmp_path)
        assert client.do("state")["safety_mode"] == "PROTECTIVE_STOP"


def test_the_third_example_passes_in_pytest(tmp_path: Path) -> None:
    run(EXAMPLES[2], tmp_path)


def test_the_table_of_faults_is_complete() -> None:
    controller, gripper = controller_of(), UrcapGripper(IdealFingers())
    faults = FaultInjector(controller, gripper, EmulatorServer(controller, gripper, HOST), {})
    assert table("Faults") == set(re.findall(r"'(\w+)'", faults.answer('{"do": ""}').partition("]")[0]))


def test_the_table_of_ports_is_complete() -> None:
    assert table("What is emulated") == set(PORTS)
    assert all(f"| `{service}` | {port} |" in README for service, port in PORTS.items())
