"""Installation without ROS 2: ``pip install -e .`` is enough for training, evaluation and most tests.

Name, version and console scripts are in setup.cfg, which is also used by the ROS 2 build (CMakeLists.txt).
"""

from pathlib import Path

from setuptools import find_packages, setup

SHARED_FOLDERS = ("config", "launch", "models", "rviz", "urdf")


def shared_files() -> list[tuple[str, list[str]]]:
    """Files that ``resources.py`` looks up under share/, grouped by target folder."""
    files = [path for folder in SHARED_FOLDERS for path in Path(folder).rglob("*") if path.is_file()]
    return [(f"share/impurity_grasp/{path.parent}", [str(path)]) for path in files]


setup(
    packages=find_packages(include=["impurity_grasp_ros*", "ur_emulator*"]),
    data_files=shared_files(),
    install_requires=[
        "jinja2",
        "matplotlib>=3.5",
        "mcap>=1.0",
        "numpy<2.3",
        "opencv-python-headless<5",
        "pin",
        "pybullet",
        "PyYAML",
        "rich",
        "scikit-learn",
        "scipy",
        "threadpoolctl",
        "torch>=2.0",
        "typer>=0.9",
        "zstandard",
    ],
)
