"""All libraries that the package imports are declared for rosdep and pip, or named in the README."""

from __future__ import annotations

import re
import sys
import xml.etree.ElementTree as ET
from configparser import ConfigParser

import pytest
import yaml
from test_layers import EMULATOR, MODULES, PACKAGE, ROOT, ROS, imported_modules

from impurity_grasp_ros import __version__

ROSDEP_KEYS = {
    "coal": "coal",
    "cv2": "python3-opencv",
    "jinja2": "python3-jinja2",
    "matplotlib": "python3-matplotlib",
    "mcap": "mcap-ros2-support",  # depends on it
    "numpy": "python3-numpy",
    "pinocchio": "pinocchio",
    "pybullet": "python3-pybullet-pip",
    "pybullet_data": "python3-pybullet-pip",
    "pybullet_utils": "python3-pybullet-pip",
    "rich": "python3-rich",
    "scipy": "python3-scipy",
    "sklearn": "python3-sklearn",
    "threadpoolctl": "python3-sklearn",  # a dependency of it
    "torch": "python3-pytorch-pip",
    "typer": "python3-typer",
    "yaml": "python3-yaml",
    "zstandard": "mcap-ros2-support",
}
"""Imported module -> key in rosdep's public lists (rosdep/python.yaml, and the packages of ROS distributions)."""

DISTRIBUTIONS = {
    "coal": "pin",
    "cv2": "opencv-python-headless",
    "pinocchio": "pin",
    "pybullet_data": "pybullet",
    "pybullet_utils": "pybullet",
    "sklearn": "scikit-learn",
    "yaml": "PyYAML",
}
"""Packages of PyPI by imported module, where the names differ."""

ROS_KEYS = {"impurity_grasp": None, "rcl_interfaces": "rclpy", "ament_index_python": "ros2launch"}
"""ROS packages with another key: this package, and packages that are dependencies of a declared one."""

WITHOUT_KEY = {
    "gymnasium": "gymnasium",
    "pyrobotiqur": "pyRobotiqUR",
    "ray": "ray",
    "rtde_control": "ur_rtde",
    "rtde_receive": "ur_rtde",
}
"""Imported module -> PyPI package without a rosdep key: for a real arm and for training."""


def libraries() -> set[str]:
    names = {name.partition(".")[0] for path in MODULES.values() for name in imported_modules(path)}
    return names - set(sys.stdlib_module_names) - {PACKAGE, EMULATOR}


def requirements(name: str) -> set[str]:
    """Names of the PyPI packages in requirements/NAME.txt."""
    lines = (ROOT / "requirements" / f"{name}.txt").read_text(encoding="utf-8").splitlines()
    return {match[0] for line in lines if (match := re.match(r"[\w.-]+", line))}


def asked_of_pip() -> set[str]:
    """Distribution names in setup.py."""
    setup = (ROOT / "setup.py").read_text(encoding="utf-8")
    return {re.split(r"[<>=]", text)[0] for text in re.findall(r'^ +"([\w.-]+(?:[<>=]+[\d.]+)?)",$', setup, re.M)}


def package_keys() -> set[str]:
    root = ET.parse(ROOT / "package.xml").getroot()
    return {str(item.text) for kind in ("depend", "exec_depend") for item in root.findall(kind)}


def test_rosdep_installs_everything_that_the_graph_imports() -> None:
    ros = {ROS_KEYS.get(name, name) for name in libraries() & ROS} - {None}
    wanted = {ROSDEP_KEYS[name] for name in libraries() - ROS - set(WITHOUT_KEY)} | ros
    assert not wanted - package_keys()


def test_libraries_without_a_rosdep_key_are_optional_and_documented() -> None:
    extra = {WITHOUT_KEY[name] for name in libraries() & set(WITHOUT_KEY)}
    assert extra <= requirements("robot") | requirements("learning")
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    assert all(name in readme for name in requirements("robot"))


def test_pip_installs_what_the_package_imports_and_so_does_a_checkout() -> None:
    imported = {DISTRIBUTIONS.get(name, name) for name in libraries() - ROS - set(WITHOUT_KEY)}
    assert imported == asked_of_pip()
    assert imported == requirements("runtime") | requirements("simulation")


def test_every_file_of_the_package_is_installed() -> None:
    """Python files always are; others when setup.cfg names them."""
    settings = ConfigParser()
    settings.read(ROOT / "setup.cfg", encoding="utf-8")
    patterns = settings["options.package_data"][PACKAGE].split()
    files = {path for path in (ROOT / PACKAGE).rglob("*") if path.is_file() and path.suffix not in (".py", ".pyc")}
    assert len(files) >= 3
    assert not files - {path for pattern in patterns for path in (ROOT / PACKAGE).glob(pattern)}


def test_every_file_has_the_same_version() -> None:
    manifest = ET.parse(ROOT / "package.xml").getroot().findtext("version")
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    assert {manifest, citation["version"]} == {__version__}


def test_hooks_and_tests_run_the_same_ruff() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))
    (version,) = [repo["rev"] for repo in hooks["repos"] if "ruff" in repo["repo"]]
    assert f"ruff=={version.removeprefix('v')}" in (ROOT / "requirements/test.txt").read_text(encoding="utf-8").split()


@pytest.mark.parametrize("package", [PACKAGE, EMULATOR])
def test_the_packages_are_typed(package: str) -> None:
    assert (ROOT / package / "py.typed").exists()
