"""Shared test setup."""

import tempfile
import time
from functools import partial
from pathlib import Path

import pytest
from hypothesis import settings
from machine import StallMonitor

from impurity_grasp_ros.cell import CellConfig, load_cell

# On a busy machine a single example may be slow; pytest-timeout limits the whole test.
settings.register_profile("impurity_grasp", deadline=None)
settings.load_profile("impurity_grasp")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--fault-table", metavar="PATH", help="write the table of faults that passed to a Markdown file")
    parser.addoption("--loops", type=int, default=4, help="number of starts and stops of motion_node")
    parser.addoption("--cancels", type=int, default=3, help="number of cancels to time")
    parser.addoption("--soak-minutes", type=float, default=0.5, help="minutes of jobs with random faults")
    parser.addoption("--soak-seed", type=int, default=0, help="seed of the faults and their times")


MONITOR = pytest.StashKey[StallMonitor]()
START = pytest.StashKey[float]()


def pytest_configure(config: pytest.Config) -> None:
    if not config.pluginmanager.hasplugin("rerunfailures"):
        return  # disabled on the command line
    if config.getoption("numprocesses", None) and not hasattr(config, "workerinput"):
        return  # the workers run the tests, not this process
    folder = tempfile.TemporaryDirectory(prefix="stalls_")
    config.stash[MONITOR] = monitor = StallMonitor(Path(folder.name))
    config.add_cleanup(folder.cleanup)
    config.add_cleanup(monitor.close)


def pytest_runtest_setup(item: pytest.Item) -> None:
    item.stash[START] = time.monotonic()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Repeat tests that failed while the machine stalled."""
    for item in items if config.pluginmanager.hasplugin("rerunfailures") else ():
        item.add_marker(pytest.mark.flaky(reruns=2, condition=partial(stalled_during, item)))


def stalled_during(item: pytest.Item) -> bool:
    """Whether the machine has stalled since a test began."""
    began = item.stash.get(START, None)  # None: it did not begin, its setup was skipped
    return began is not None and bool(item.config.stash[MONITOR].stalls(since=began))


@pytest.fixture(scope="session")
def cell() -> CellConfig:
    """The shipped cell; it is frozen, so all tests can share it."""
    return load_cell()
