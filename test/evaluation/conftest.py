"""Episodes made by hand, and one bench for all tests that run some."""

from collections.abc import Iterator

import pytest

from impurity_grasp_ros.evaluation.benchmark import Bench
from impurity_grasp_ros.simulation.environment import Environment


@pytest.fixture(scope="session")
def bench() -> Iterator[Bench]:
    """A simulated cell; starting an engine takes longer than resetting it."""
    bench = Bench()
    yield bench
    bench.close()


@pytest.fixture
def environment(bench: Bench) -> Environment:
    """The bench's cell; whoever uses it resets it."""
    return bench.environment
