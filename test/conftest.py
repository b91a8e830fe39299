"""Shared test set-up."""

import pytest
from hypothesis import settings

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


@pytest.fixture(scope="session")
def cell() -> CellConfig:
    """The cell as it ships; frozen, so that all tests may share it."""
    return load_cell()
