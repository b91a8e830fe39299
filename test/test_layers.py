"""Each layer imports only the layers and libraries that it may, and only ``nodes`` imports ROS 2.

The sources are parsed, not executed, so imports inside functions count as well.
"""

import ast
import subprocess
import sys
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path
from typing import NamedTuple

import pytest

ROOT = Path(__file__).resolve().parents[1]
PACKAGE = "impurity_grasp_ros"
EMULATOR = "ur_emulator"

CORE_MODULES = {
    "__init__", "calibration", "cell", "cell_layout", "cell_parts", "config", "constants", "datatypes", "errors",
    "files", "gripper", "graphs", "launch_arguments", "plain", "priority", "protocols", "registry", "resources",
    "tensor_file", "training_progress", "transform",
}  # fmt: skip

ROS = {
    "action_msgs", "ament_index_python", "builtin_interfaces", "control_msgs", "cv_bridge", "diagnostic_msgs",
    "geometry_msgs", "impurity_grasp", "launch", "launch_ros", "lifecycle_msgs", "rcl_interfaces", "rclpy",
    "rosgraph_msgs", "sensor_msgs", "std_msgs", "std_srvs", "tf2_msgs", "trajectory_msgs", "ur_dashboard_msgs",
    "visualization_msgs",
}  # fmt: skip
UR_RTDE = {"dashboard_client", "rtde_control", "rtde_io", "rtde_receive"}
PINOCCHIO = {"coal", "pinocchio"}
PYBULLET = {"pybullet", "pybullet_data", "pybullet_utils"}


class Layer(NamedTuple):
    """What the modules of a layer may import besides the standard library and each other."""

    layers: set[str]
    libraries: frozenset[str] | set[str] = frozenset()  # numpy and scipy are everyone's
    modules: frozenset[str] | set[str] = frozenset()  # single ones of other layers


EVERYWHERE = {"numpy", "scipy"}
LAYERS = {
    "core": Layer(set(), {"yaml"}),
    "perception": Layer({"core"}, {"cv2", "sklearn", "torch"}),
    "policy": Layer({"core"}, {"cv2", "torch"}),
    "motion": Layer({"core"}, PINOCCHIO),
    "hardware": Layer({"core", "motion"}, UR_RTDE | {"pyrobotiqur"}),
    EMULATOR: Layer(set(), modules={"motion.kinematics", "motion.trajectory", "priority", "transform"}),
    "overlay": Layer({"core"}, {"cv2"}),
    "pipeline": Layer({"core", "perception", "policy"}),
    "simulation": Layer({"core", "motion", EMULATOR}, PYBULLET),
    "foresight": Layer({"core", "perception", "policy", "simulation"}, {"cv2"}),
    "learning": Layer({"core", "perception", "policy", "pipeline", "simulation"}, {"cv2", "torch"}),
    "evaluation": Layer(
        {"core", "perception", "policy", "pipeline", "simulation", "foresight"}, {"jinja2", "matplotlib"}
    ),
}
LAYERS["doctor"] = Layer({"core", "hardware", "perception", "policy"}, {"rtde_receive"})
LAYERS["recording"] = Layer({"core"}, {"mcap", "zstandard"})
LAYERS["nodes"] = Layer(set(LAYERS) - {"learning", "evaluation"}, ROS)
LAYERS["gym"] = Layer({"core", "learning", "overlay", "perception", "policy", "simulation"}, {"gymnasium"})
LAYERS["client"] = Layer({"nodes"})
LAYERS["cli"] = Layer(set(LAYERS) - {"nodes"}, {"cv2", "rich", "threadpoolctl", "typer"})

ALSO_ALLOWED = {
    "impurity_grasp_ros.cell_layout": {"motion"},  # closed-form kinematics, for the tool pose of the home joints
    "impurity_grasp_ros.cli.calibrate": {"nodes", "yaml"},  # receives images from the camera's topics
    "impurity_grasp_ros.cli.doctor": {"nodes"},  # asks ROS 2, where there is one
    "impurity_grasp_ros.cli.emulated": {"nodes", "impurity_grasp"},  # sends jobs to the nodes that it has started
    "impurity_grasp_ros.cli.export": {"nodes"},  # reads recorded messages
    "impurity_grasp_ros.cli.launch": {"nodes"},  # starts the nodes as processes
    "impurity_grasp_ros.cli.profile": {"nodes"},  # times the conversion of messages
    "impurity_grasp_ros.cli.replay": {"nodes"},  # reads recorded messages
    "impurity_grasp_ros.cli.sim": {"nodes", "impurity_grasp"},  # runs the nodes in one process
    "impurity_grasp_ros.cli.teach": {"nodes"},  # asks the nodes of a running graph
    "impurity_grasp_ros.cli.touch_test": {"nodes"},
    "impurity_grasp_ros.cli.train": {"torch"},
    "impurity_grasp_ros.evaluation.cluster": {"ray"},
    "impurity_grasp_ros.learning.collection": {"ray"},
    "impurity_grasp_ros.learning.produced": {"ray"},
    "impurity_grasp_ros.simulation.real_objects": {"cv2"},  # decodes photographs
    "impurity_grasp_ros.tensor_file": {"torch"},
}


def dotted_name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {
    dotted_name(path): path for package in (PACKAGE, EMULATOR) for path in sorted((ROOT / package).rglob("*.py"))
}


def layer_of(module: str) -> str:
    first = module.removeprefix(f"{PACKAGE}.").partition(".")[0]
    return first if first in LAYERS else "core"


def imported_modules(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module in (PACKAGE, EMULATOR):
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            yield "." * node.level + (node.module or "")


def is_allowed(module: str, imported: str) -> bool:
    own, extra = layer_of(module), ALSO_ALLOWED.get(module, set())
    library = imported.partition(".")[0]
    if library in (PACKAGE, EMULATOR):
        is_named = imported.removeprefix(f"{PACKAGE}.") in LAYERS[own].modules
        return is_named or layer_of(imported) in LAYERS[own].layers | {own} | extra
    return library in sys.stdlib_module_names or library in EVERYWHERE | LAYERS[own].libraries | extra


def table_of_layers() -> str:
    """The table in docs/architecture.md."""
    rows = ["| layer | may import | libraries |", "|---|---|---|"]
    for name, layer in LAYERS.items():
        layers = [other for other in LAYERS if other in layer.layers]
        modules = [f"`{module}`" for module in sorted(layer.modules)]
        cells = [f"`{name}`", ", ".join(layers + modules) or "-", ", ".join(sorted(layer.libraries)) or "-"]
        rows.append(f"| {' | '.join(cells)} |")
    return "\n".join(rows)


def test_the_documentation_shows_the_layers() -> None:
    page = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
    shown = page.partition("<!-- layers -->\n")[2].partition("\n<!-- end of layers -->")[0]
    assert shown == table_of_layers()


def test_every_module_belongs_to_a_layer() -> None:
    folders = {path.name for path in (ROOT / PACKAGE).iterdir() if path.is_dir()} - {"__pycache__"}
    top_level = folders | {path.stem for path in (ROOT / PACKAGE).glob("*.py")}
    assert top_level <= CORE_MODULES | set(LAYERS)


@pytest.mark.parametrize("module", MODULES)
def test_a_module_imports_only_what_its_layer_may(module: str) -> None:
    forbidden = sorted(name for name in imported_modules(MODULES[module]) if not is_allowed(module, name))
    assert not forbidden, f"layer {layer_of(module)} must not import {', '.join(forbidden)}"


def test_no_modules_of_the_emulator_import_each_other() -> None:
    modules = {name: path for name, path in MODULES.items() if layer_of(name) == EMULATOR}
    TopologicalSorter({name: set(imported_modules(path)) for name, path in modules.items()}).prepare()


IMPORT_WITHOUT_ROS = """
import importlib, sys

hidden, modules = (argument.split(",") for argument in sys.argv[1:])

class NoRos:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] in hidden:
            raise ModuleNotFoundError(f"{name} is hidden", name=name)

sys.meta_path.insert(0, NoRos())
for module in modules:
    try:
        importlib.import_module(module)
    except Exception as error:
        print(f"{module}: {error!r}")
"""


def test_everything_but_the_nodes_imports_without_ros() -> None:
    needs_ros = {module for module in MODULES if layer_of(module) in ("nodes", "client")} | {f"{PACKAGE}.cli.sim"}
    modules = [module for module in MODULES if module not in needs_ros]
    command = [sys.executable, "-c", IMPORT_WITHOUT_ROS, ",".join(sorted(ROS)), ",".join(modules)]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    assert process.stdout == ""


def test_the_emulator_brings_along_nothing_else_of_the_project() -> None:
    modules = [module for module in MODULES if layer_of(module) == EMULATOR]
    code = f"import sys, {', '.join(modules)}; print(*sys.modules)"
    command = [sys.executable, "-c", code]
    process = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=True)
    imported = {name for name in process.stdout.split() if name.startswith(f"{PACKAGE}.")}
    assert imported - {f"{PACKAGE}.motion"} == {f"{PACKAGE}.{module}" for module in LAYERS[EMULATOR].modules}
