"""Fixtures of the fault suite, and the table that is written with ``--fault-table``."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from dataclasses import astuple
from pathlib import Path

import pytest
from fault_table import Row, Verdict, to_markdown
from graph import until
from rig import Rig
from robot_client import Robot

from impurity_grasp_ros.files import write_atomically

VERDICT = pytest.StashKey[Verdict]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(what, todo): a row of the table of faults")
    if not hasattr(config, "workerinput"):
        config.pluginmanager.register(Table(config), "fault_table")


class Table:
    """Collects the rows from the test reports, also those of parallel workers, and writes the page."""

    def __init__(self, config: pytest.Config) -> None:
        self._config = config
        self._rows: list[Row] = []

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.when == "teardown" and report.passed:
            self._rows += [
                Row(tuple(place), *texts) for name, (place, *texts) in report.user_properties if name == "row"
            ]

    def pytest_sessionfinish(self) -> None:
        path = self._config.getoption("--fault-table")
        if path:
            write_atomically(Path(path), to_markdown(self._rows).encode())


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """The answer of the system, for the row of this test."""
    request.node.stash[VERDICT] = Verdict()
    return request.node.stash[VERDICT]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    mark = item.get_closest_marker("fault")
    if mark and report.when == "call" and report.passed:
        item.user_properties.append(("row", astuple(row_of(item, *mark.args))))
    return report


def row_of(item: pytest.Item, what: str, todo: str) -> Row:
    """The row of a test, which must have set its verdict."""
    verdict = item.stash[VERDICT]
    assert verdict.code, f"expected {item.name} to note its verdict"
    message = re.sub(r"127(\.\d+){3}", "<robot_ip>", verdict.message).replace("|", "\\|")
    path, line, _ = item.location
    return Row((path, line or 0, item.name), what, verdict.code, message, todo)


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """A robot for one test: for faults after which it cannot be used again."""
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture(scope="module")
def shared_robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    """One robot for all faults from which it can recover."""
    with Rig(tmp_path_factory.mktemp("rig")) as rig:
        yield rig.start()


@pytest.fixture
def robot(shared_robot: Robot) -> Iterator[Robot]:
    """The shared robot, ready whatever happened in earlier tests; afterward it must work."""
    shared_robot.cell.do("release_emergency_stop")
    until(lambda: shared_robot.recover().success, "recovery")
    shared_robot.await_ready()
    yield shared_robot
    shared_robot.assert_usable()
