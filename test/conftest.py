"""Shared test set-up."""

import pytest
from hypothesis import settings

from impurity_grasp_ros.cell import CellConfig, load_cell

# A busy machine may take its time over one example; pytest-timeout watches over the whole test.
settings.register_profile("impurity_grasp", deadline=None)
settings.load_profile("impurity_grasp")


@pytest.fixture(scope="session")
def cell() -> CellConfig:
    """The cell as it ships; frozen, so that all tests may share it."""
    return load_cell()
