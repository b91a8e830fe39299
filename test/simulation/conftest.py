"""One simulated cell for all tests; each gets it with an empty table."""

from collections.abc import Iterator

import pytest

from impurity_grasp_ros.simulation.environment import Environment


@pytest.fixture(scope="session")
def used_environment() -> Iterator[Environment]:
    """The cell as some other test left it. Starting an engine takes longer than clearing it."""
    environment = Environment()
    yield environment
    environment.close()


@pytest.fixture
def environment(used_environment: Environment) -> Environment:
    """The cell with an empty table, arm at home. A test below shows that a reset leaves no trace of what was before."""
    used_environment.reset(0, "random", targets=0, blocks=0)
    return used_environment
