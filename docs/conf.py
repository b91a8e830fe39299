"""Sphinx configuration, see scripts/docs.sh. The source folder is the root of the repository: README.md is a page."""

from __future__ import annotations

import importlib.util
import re
import sys
from pathlib import Path

from sphinx.application import Sphinx

ROOT = Path(__file__).resolve().parents[1]
sys.path.insert(0, str(ROOT))

from impurity_grasp_ros import __version__  # noqa: E402  (the path comes first)

project = "impurity_grasp"
author = copyright = "impurity_grasp maintainers"
release = version = __version__

extensions = [
    "myst_parser",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx.ext.viewcode",
    "sphinxcontrib.mermaid",
]
root_doc = "README"
include_patterns = ["*.md", "docs/**", "examples/README.md", "ur_emulator/README.md"]
exclude_patterns = [".*", "docs/_templates", "examples/*/**"]
templates_path = [str(ROOT / "docs/_templates")]

html_theme = "furo"
html_title = f"{project} {release}"
html_show_copyright = False

myst_heading_anchors = 3
myst_fence_as_directive = ["mermaid"]

autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_default_options = {"members": True, "show-inheritance": True}
napoleon_numpy_docstring = False
napoleon_use_ivar = True  # "Attributes:" would describe documented fields a second time

OPTIONAL_LIBRARIES = (
    *("launch", "launch_ros"),  # come with a ROS 2 distribution
    "ray",  # scripts/bootstrap.sh learning
    *("dashboard_client", "pyrobotiqur", "rtde_control", "rtde_io", "rtde_receive"),  # scripts/bootstrap.sh robot
)


def is_installed(library: str) -> bool:
    """Whether a library can be imported; a folder of that name, such as launch/, does not count."""
    spec = importlib.util.find_spec(library)
    return spec is not None and spec.origin is not None


autodoc_mock_imports = [library for library in OPTIONAL_LIBRARIES if not is_installed(library)]

CONTENTS = """
```{toctree}
:hidden:

docs/architecture
docs/success
docs/attention
docs/training
docs/benchmark
docs/simulation
docs/scenes
docs/hardware
docs/batches
docs/recording
docs/lifecycle
docs/faults
docs/security
docs/testing
examples/README
ur_emulator/README
docs/api
CONTRIBUTING
CHANGELOG
```
"""


def prepare_page(app: Sphinx, page: str, source: list[str]) -> None:
    """Add the table of contents to README, and point links to modules at their pages of the API reference."""
    folder = "docs/api" if "/" not in page else "api"
    if page == root_doc:
        source[0] += CONTENTS
    source[0] = re.sub(
        r"\]\((?:\.\./)?(impurity_grasp_ros/[\w/]+)\.py\)",
        lambda link: f"]({folder}/{link[1].replace('/', '.')}.rst)",
        source[0],
    )


def shorten_arrays(
    app: Sphinx, what: str, name: str, item: object, options: object, signature: str | None, returns: str | None
) -> tuple[str, str]:
    """Show array types as they are written in the sources."""
    resolved = r"ndarray\[(?:tuple\[\w+, \.\.\.\]|Any), dtype\[(\w+)\]\]"
    return re.sub(resolved, r"NDArray[\1]", signature or ""), re.sub(resolved, r"NDArray[\1]", returns or "")


def setup(app: Sphinx) -> None:
    """Connect to the events of a build."""
    app.connect("source-read", prepare_page)
    app.connect("autodoc-process-signature", shorten_arrays)
