"""Fixtures of the fault suite, and the table that it writes with ``--fault-table``."""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator
from pathlib import Path

import pytest
from fault_table import Row, Verdict, to_markdown
from graph import until
from rig import Rig
from robot_client import Robot

from impurity_grasp_ros.files import write_atomically

ROWS = pytest.StashKey[list[Row]]()
ROW = pytest.StashKey[Row]()
VERDICT = pytest.StashKey[Verdict]()


def pytest_configure(config: pytest.Config) -> None:
    config.addinivalue_line("markers", "fault(what, todo): a row of the table of faults")
    config.stash[ROWS] = []


@pytest.fixture
def verdict(request: pytest.FixtureRequest) -> Verdict:
    """Where a row notes what the system answered."""
    request.node.stash[VERDICT] = Verdict()
    return request.node.stash[VERDICT]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    mark = item.get_closest_marker("fault")
    if mark and report.when == "call" and report.passed:
        item.stash[ROW] = row_of(item, *mark.args)
    if mark and report.when == "teardown" and report.passed and ROW in item.stash:
        item.config.stash[ROWS].append(item.stash[ROW])
    return report


def row_of(item: pytest.Item, what: str, todo: str) -> Row:
    """What a test has found; its verdict must be there."""
    verdict = item.stash[VERDICT]
    assert verdict.code, f"expected {item.name} to note its verdict"
    message = re.sub(r"127(\.\d+){3}", "<robot_ip>", verdict.message).replace("|", "\\|")
    path, line, _ = item.location
    return Row((path, line or 0, item.name), what, verdict.code, message, todo)


def pytest_sessionfinish(session: pytest.Session) -> None:
    path = session.config.getoption("--fault-table")
    if path:
        write_atomically(Path(path), to_markdown(session.config.stash[ROWS]).encode())


@pytest.fixture
def rig(tmp_path: Path) -> Iterator[Rig]:
    """For faults that leave nothing behind that could be used again."""
    with Rig(tmp_path) as rig:
        yield rig


@pytest.fixture(scope="module")
def shared_robot(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Robot]:
    """One robot for all faults from which it recovers."""
    with Rig(tmp_path_factory.mktemp("rig")) as rig:
        yield rig.start()


@pytest.fixture
def robot(shared_robot: Robot) -> Iterator[Robot]:
    """The shared robot, ready at the start whatever a test before has left; at the end it must work."""
    shared_robot.cell.do("release_emergency_stop")
    until(lambda: shared_robot.recover().success, "recovery")
    shared_robot.await_ready()
    yield shared_robot
    shared_robot.assert_usable()
