"""Shared test set-up."""

import tempfile
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from machine import StallMonitor

from impurity_grasp_ros.cell import CellConfig, load_cell

# A busy machine may take its time over one example; pytest-timeout watches over the whole test.
settings.register_profile("impurity_grasp", deadline=None)
settings.load_profile("impurity_grasp")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", metavar="PATH", help="write the table of faults that passed to a Markdown file")
    parser.addoption("--loops", type=int, default=4, help="starts and stops of motion_node")
    parser.addoption("--cancels", type=int, default=3, help="cancels whose time is taken")
    parser.addoption("--soak-minutes", type=float, default=0.5, help="minutes of work among faults")
    parser.addoption("--soak-seed", type=int, default=0, help="of the faults and their moments")


MONITOR = pytest.StashKey[StallMonitor]()
START = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return  # turned off on the command line
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # the workers run the tests
    folder = tempfile.TemporaryDirectory(prefix="stalls_")
    config.stash[MONITOR] = monitor = StallMonitor(Path(folder.name))
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(monitor.close)


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[START] = time.monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """A test that failed while the machine stood still is repeated."""
    for item in items if config.pluginmanager.hasplugin("rerunfailures") else ():
        item.add_marker(pytest.mark.flaky(reruns=2, condition=partial(stalled_during, item)))


def stalled_during(item: pytest.Item) -> bool:
    """Whether the machine has stood still since a test began."""
    began = item.stash.get(START, None)  # None: it never did, its set-up was skipped
    return began is not None and bool(item.config.stash[MONITOR].stalls(since=began))


@pytest.fixture(scope="session")
def cell() -> CellConfig:
    """The cell as it ships; frozen, so that all tests may share it."""
    return load_cell()
