"""A task determines its attempts, whichever worker carries it out and however many workers die over it."""

import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from typing import Any

import pytest
import torch
from ray.exceptions import RayActorError

from impurity_grasp_ros.errors import DeviceFaultError
from impurity_grasp_ros.learning import collection as collection_module
from impurity_grasp_ros.learning.collection import CollectionTask, Collector, LocalCollection, RayCollection
from impurity_grasp_ros.learning.training_config import TrainingConfig, load_training
from impurity_grasp_ros.policy.network import make_network

SMOKE = load_training("smoke")
RANDOM = replace(SMOKE, play=replace(SMOKE.play, scenes=("random",), shares=(1.0,)))


def task(
    seed: int, *, version: int = 0, attempts: int = 1, level: float = 0.0, exploration: float = 1.0
) -> CollectionTask:
    """A task for a network that gives the same value, ``level``, for everything."""
    state = {name: torch.zeros_like(tensor) for name, tensor in make_network(SMOKE.network).state_dict().items()}
    last = [name for name in state if name.endswith("bias")][-1]
    state[last] = torch.full_like(state[last], level)
    return CollectionTask((seed, 0, 0), state, version, attempts, exploration)


@pytest.mark.sim
def test_equal_tasks_give_equal_attempts_task_by_task() -> None:
    collection = LocalCollection(RANDOM)
    assert collection.gather() == []
    collection.start([task(1, version=4), task(2, version=5, level=3.0), task(1, version=4)])
    results = collection.gather()
    collection.close()
    assert len(results) == 3
    assert asdict(results[0]) == asdict(results[2])
    for item, version, level in zip(results, (4, 5, 4), (0.0, 3.0, 0.0), strict=True):
        assert item.explored
        assert item.transitions
        for transition in item.transitions:
            assert transition.version == version
            assert transition.next_value == (pytest.approx(level) if transition.following else 0.0)
            assert transition.state.grid.resolution == pytest.approx(0.002), "a crop around the target"


@pytest.mark.sim
def test_without_a_target_as_the_aim_the_whole_workspace_is_seen() -> None:
    config = replace(RANDOM, play=replace(RANDOM.play, aim="anything"))
    (result,) = Collector(config).collect(task(1, exploration=0.0))
    assert not result.explored
    (transition,) = result.transitions
    assert transition.state.grid.resolution == pytest.approx(0.004)


@pytest.fixture
def two_threads() -> Iterator[None]:
    """Torch has two threads, and afterward as many as before."""
    before = torch.get_num_threads()
    torch.set_num_threads(2)
    yield
    torch.set_num_threads(before)


@pytest.mark.sim
def test_a_collector_works_on_one_thread_of_its_process(two_threads: None) -> None:
    collector = Collector(SMOKE)
    assert torch.get_num_threads() == 1
    assert collector.process_id() == os.getpid()


class Remote:
    """A method of a worker, called from afar."""

    def __init__(self, method: Callable[..., Any]) -> None:
        self.remote = method


class Worker:
    """A stand-in for a remote worker: it answers with its number and what it was asked for."""

    def __init__(self, number: int, config: TrainingConfig) -> None:
        self.config = config
        self.process_id = Remote(lambda: 100 + number)
        self.collect = Remote(lambda task: [(number, task)])


class MortalRay:
    """Stands in for Ray on a machine where each of the first ``deaths`` results is lost together with its worker."""

    def __init__(self, deaths: int) -> None:
        self.deaths = deaths
        self.started: dict[str, Any] = {}
        self.resources: dict[str, Any] = {}
        self.created: list[Worker] = []
        self.closed = False

    def init(self, **options: Any) -> None:
        self.started = options

    def remote(self, **resources: Any) -> Callable[[type], Remote]:
        self.resources = resources
        return self._factory

    def _factory(self, kind: type) -> Remote:
        assert kind is Collector
        return Remote(self._create)

    def _create(self, config: TrainingConfig) -> Worker:
        self.created.append(Worker(len(self.created), config))
        return self.created[-1]

    def get(self, result: Any) -> Any:
        if self.deaths > 0:
            self.deaths -= 1
            raise RayActorError
        return result

    def shutdown(self) -> None:
        self.closed = True


Machine = Callable[[int], MortalRay]


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Machine:
    """Makes a machine on which so many workers die."""

    def make(deaths: int) -> MortalRay:
        mortal = MortalRay(deaths)
        monkeypatch.setattr(collection_module, "ray", mortal)
        return mortal

    return make


def test_every_worker_gets_a_task_and_a_core_of_its_own(machine: Machine) -> None:
    ray, tasks = machine(0), [task(1), task(2), task(3)]
    collection = RayCollection(SMOKE, workers=3)
    assert (ray.started["num_cpus"], ray.started["include_dashboard"]) == (3, False)
    assert "address" not in ray.started
    assert not ray.started["log_to_driver"]
    assert ray.resources == {"num_cpus": 1}
    assert [worker.config for worker in ray.created] == [SMOKE] * 3
    assert collection.process_ids() == [100, 101, 102]
    collection.start(tasks)
    assert collection.gather() == [(0, tasks[0]), (1, tasks[1]), (2, tasks[2])]
    collection.close()
    assert ray.closed


def test_an_existing_cluster_is_joined_and_not_limited(machine: Machine) -> None:
    ray = machine(0)
    RayCollection(SMOKE, workers=2, address="10.0.0.7:6379")
    assert ray.started["address"] == "10.0.0.7:6379"
    assert "num_cpus" not in ray.started


@pytest.mark.parametrize("tasks", [1, 3])
def test_there_must_be_as_many_tasks_as_workers(machine: Machine, tasks: int) -> None:
    machine(0)
    collection = RayCollection(SMOKE, workers=2)
    with pytest.raises(ValueError, match="argument 2"):
        collection.start([task(number) for number in range(tasks)])


def test_nothing_was_collected_before_the_first_task(machine: Machine) -> None:
    machine(0)
    assert RayCollection(SMOKE, workers=2).gather() == []


@pytest.mark.parametrize("deaths", [1, 9])
def test_a_task_is_carried_out_again_by_a_new_worker_when_one_dies(machine: Machine, deaths: int) -> None:
    ray, tasks = machine(deaths), [task(1), task(2)]
    collection = RayCollection(SMOKE, workers=2)
    collection.start(tasks)
    assert collection.gather() == [(1 + deaths, tasks[0]), (1, tasks[1])]
    assert ray.created[-1].config == SMOKE
    collection.start(tasks)
    assert collection.gather() == [(1 + deaths, tasks[0]), (1, tasks[1])], "who was created last stays"


def test_after_ten_deaths_over_one_task_the_training_gives_up(machine: Machine) -> None:
    ray = machine(10)
    collection = RayCollection(SMOKE, workers=1)
    collection.start([task(1)])
    with pytest.raises(DeviceFaultError, match="expected worker 0 to answer, it died 10 times in a row"):
        collection.gather()
    assert ray.deaths == 0
