"""The setup script does nothing if all is up to date, by whatever name it finds the interpreter, and checks versions.

The real script runs in a temporary folder. ``pip``, ``colcon`` and system commands are replaced by stand-ins that
record their calls, so that neither network nor compiler is needed.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COPIED = ("scripts/bootstrap.sh", "package.xml", "CMakeLists.txt", "setup.cfg", "requirements", "msg", "srv", "action")
FOLDERS = ("impurity_grasp_ros", "ur_emulator", "config", "launch", "models", "rviz", "urdf")

PIP = "import os, sys; open(os.environ['CALLS'], 'a').write('pip ' + ' '.join(sys.argv[1:]) + '\\n')\n"
COLCON = '#!/bin/bash\necho colcon >>"$CALLS"\nmkdir -p install\ntouch install/setup.bash\n'
NOTHING = "#!/bin/bash\n"


class Checkout:
    """A copy of the files that the script reads, with stand-ins for the commands that it calls."""

    def __init__(self, root: Path, distribution: str = "") -> None:
        self.root = root / "checkout"
        self._stand_ins, self.modules = root / "bin", root / "modules"
        self._copy()
        for name, text in {"colcon": COLCON, "grep": NOTHING, "sed": NOTHING, "apt-get": NOTHING}.items():
            self._executable(name, text)
        for name in ("python3.11", "python3.10", "python3"):  # several names of one interpreter
            (self._stand_ins / name).symlink_to(os.path.realpath(sys._base_executable))  # type: ignore[attr-defined]
        self._module("pip/__init__.py", "")
        self._module("pip/__main__.py", PIP)
        self._module("numpy/__init__.py", "def get_include(): return '/nowhere'\n")
        self._module("rclpy/__init__.py", "")
        self.environment = os.environ | {
            "PATH": f"{self._stand_ins}:{os.environ['PATH']}",
            "PYTHONPATH": str(self.modules),
            "CALLS": str(root / "calls"),
            "ROS_DISTRO": distribution,
            "AMENT_PREFIX_PATH": str(root / "ros") if distribution else "",
        }
        for name in ("IMPURITY_GRASP_PYTHON", "IMPURITY_GRASP_WHEELS"):
            self.environment.pop(name, None)
        (root / "ros" / "share" / "rclpy").mkdir(parents=True)
        self._calls = root / "calls"

    def _copy(self) -> None:
        for name in COPIED:
            target = self.root / name
            target.parent.mkdir(parents=True, exist_ok=True)
            (shutil.copytree if (ROOT / name).is_dir() else shutil.copy)(ROOT / name, target)
        for name in FOLDERS:
            (self.root / name).mkdir()

    def _executable(self, name: str, text: str) -> None:
        self._stand_ins.mkdir(exist_ok=True)
        (self._stand_ins / name).write_text(text)
        (self._stand_ins / name).chmod(0o755)

    def _module(self, name: str, text: str) -> None:
        (self.modules / name).parent.mkdir(parents=True, exist_ok=True)
        (self.modules / name).write_text(text)

    def add_library(self, package: str, module: str, version: str) -> None:
        """Install a library as a ROS 2 distribution does."""
        for older in self.modules.glob(f"{package}-*"):
            shutil.rmtree(older)
        self._module(f"{module}/__init__.py", "")
        with (self.root / "requirements" / "build.txt").open("a") as file:
            file.write("# changed, so that the next call checks again\n")
        metadata = f"Metadata-Version: 2.1\nName: {package}\nVersion: {version}\n"
        self._module(f"{package}-{version}.dist-info/METADATA", metadata)

    def run(self, *extra: str) -> subprocess.CompletedProcess[str]:
        """Run the script, with or without an extra."""
        command = ["bash", str(self.root / "scripts/bootstrap.sh"), *extra]
        return subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=120)

    def set_up(self, *extra: str) -> list[str]:
        """Run the script successfully; returns the calls that it made."""
        self._calls.write_text("")
        done = self.run(*extra)
        assert done.returncode == 0, done.stderr
        return self._calls.read_text().splitlines()


@pytest.mark.parametrize("distribution", ["", "jazzy"], ids=["wheels", "distribution"])
def test_the_second_call_changes_nothing(tmp_path: Path, distribution: str) -> None:
    checkout = Checkout(tmp_path, distribution)
    first = checkout.set_up()
    assert [call.split()[0] for call in first] == ["pip", "pip", "colcon"]
    made = (checkout.root / ".venv" / ".made-by-bootstrap").stat().st_mtime_ns
    assert checkout.set_up() == []
    assert (checkout.root / ".venv" / ".made-by-bootstrap").stat().st_mtime_ns == made


def test_missing_or_outdated_libraries_of_a_distribution_are_installed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "jazzy")
    checkout.add_library("PyYAML", "yaml", "5.4.1")  # recognized by their modules
    checkout.add_library("pin", "pinocchio", "2.7.0")
    installed = checkout.set_up()[0]
    assert [f"{name}==" in installed for name in ("PyYAML", "pin", "torch", "typer")] == [False, False, True, True]
    for version, replaced in (("0.7.0", True), ("0.9.0", False), ("0.12.3", False)):
        checkout.add_library("typer", "typer", version)
        assert ("typer==" in checkout.set_up()[0]) == replaced


@pytest.mark.parametrize("extra", ["learning", "robot", "security", "docs"])
def test_an_extra_is_installed_once(tmp_path: Path, extra: str) -> None:
    checkout = Checkout(tmp_path)
    checkout.set_up()
    assert [call.split()[-1] for call in checkout.set_up(extra)] == [f"--requirement=requirements/{extra}.txt"]
    assert checkout.set_up(extra) == []


def test_the_wheels_are_those_of_jazzy_or_on_request_of_kilted(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    assert "--requirement=requirements/ros-jazzy.txt" in checkout.set_up()[0]
    checkout.environment["IMPURITY_GRASP_WHEELS"] = "kilted"
    installed = checkout.set_up()
    assert "--requirement=requirements/ros-kilted.txt" in installed[0]
    assert installed[-1] == "colcon", "the interfaces are those of the other distribution"
    assert checkout.set_up() == []


def test_wheels_that_do_not_exist_are_refused_by_name(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path)
    checkout.environment["IMPURITY_GRASP_WHEELS"] = "humble"
    done = checkout.run()
    assert done.returncode == 1
    assert "expected IMPURITY_GRASP_WHEELS to be jazzy or kilted, received humble" in done.stderr
    assert not (checkout.root / ".venv").exists()


def test_a_library_whose_parent_package_is_missing_is_installed(tmp_path: Path) -> None:
    checkout = Checkout(tmp_path, "jazzy")
    checkout.set_up()
    (installed,) = checkout.set_up("docs")
    assert "sphinxcontrib-mermaid==" in installed
