"""Signals are handled from a node's first line on."""

import os
import signal
import subprocess
import sys

import pytest
from dds import unused_domain

from impurity_grasp_ros.nodes.signals import SUPERVISOR

CODE = """
import os, sys
from impurity_grasp_ros.nodes import start
assert not {"numpy", "rclpy", "torch", "yaml"} & set(sys.modules), "imported before signals are handled"
number = int(sys.argv.pop())
start.import_module = lambda name: os.kill(os.getpid(), number)
start.policy_node()
"""


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_during_the_imports_of_a_node_ends_it_quietly(number: signal.Signals) -> None:
    run = subprocess.run([sys.executable, "-c", CODE, str(int(number))], capture_output=True, text=True)
    assert (run.returncode, run.stderr) == (0, "")


@pytest.mark.ros
def test_a_node_whose_supervisor_is_gone_does_not_start() -> None:
    gone = subprocess.Popen(["true"])
    gone.wait()
    code = "from impurity_grasp_ros.nodes.start import picker_node; picker_node()"
    environment = os.environ | {SUPERVISOR: str(gone.pid), "ROS_DOMAIN_ID": str(unused_domain())}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=60.0)
    assert (run.returncode, run.stderr) == (0, "")
