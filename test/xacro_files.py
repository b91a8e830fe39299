"""Files made by xacro, in another process: importing it changes how Python's minidom writes XML."""

from __future__ import annotations

import subprocess
import sys

import pytest

from impurity_grasp_ros.resources import resource

PROGRAM = "import sys, xacro; print(xacro.process_file(sys.argv[1], mappings=dict(a.split(':=') for a in sys.argv[2:]))"
PROGRAM += ".toprettyxml(indent='  '))"


def description(**arguments: str) -> str:
    """The robot description that xacro makes of the shipped sources; skips the test if xacro is missing."""
    source = str(resource("urdf/ur5_robotiq.urdf.xacro"))
    words = [f"{name}:={value}" for name, value in arguments.items()]
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, source, *words], capture_output=True, text=True, timeout=60, check=False
    )
    if "No module named 'xacro'" in done.stderr:
        pytest.skip("xacro is not installed")
    assert done.returncode == 0, done.stderr
    return done.stdout
