"""The picker's view of whoever moves the arm: late, expired, gone, or not the only one."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

import pytest
import rclpy
from action_msgs.msg import GoalStatus
from builtin_interfaces.msg import Time
from dds import unused_domain
from graph import until
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp.msg import Attempt, Primitive
from impurity_grasp_ros.errors import (
    AmbiguousPeerError,
    CanceledError,
    ErrorCode,
    ImpurityGraspError,
    PeerUnavailableError,
    ReportedError,
)
from impurity_grasp_ros.nodes import execution
from impurity_grasp_ros.nodes.execution import Execution, PeersConfig
from impurity_grasp_ros.nodes.liveliness import announce_server
from impurity_grasp_ros.nodes.peers import Peers
from impurity_grasp_ros.nodes.runtime import spin

pytestmark = [pytest.mark.ros]

SECONDS = {"startup_timeout": 20.0, "service_timeout": 1.0, "frame_timeout": 5.0, "execute_timeout": 60.0}
PATIENCE = PeersConfig(**SECONDS, stop_timeout=5.0, view_timeout=5.0)


@dataclass
class Arm:
    """A node that offers ``execute_primitive`` and does what a test wants; ``may_accept`` lets goals through."""

    node: Node
    asked: threading.Event = field(default_factory=threading.Event)
    may_accept: threading.Event = field(default_factory=threading.Event)
    canceled: threading.Event = field(default_factory=threading.Event)
    goals: int = 0
    ending: Callable[[Any], ExecutePrimitive.Result] | None = None
    """What a goal does instead of waiting for a cancel; receives its handle."""

    def __post_init__(self) -> None:
        self.may_accept.set()
        self.announcement = announce_server(self.node)
        self.server = ActionServer(
            self.node,
            ExecutePrimitive,
            "execute_primitive",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
        )

    def _on_goal(self, _goal: ExecutePrimitive.Goal) -> GoalResponse:
        self.asked.set()
        assert self.may_accept.wait(30.0)
        return GoalResponse.ACCEPT

    def _execute(self, handle: Any) -> ExecutePrimitive.Result:
        self.goals += 1
        if self.ending is not None:
            return self.ending(handle)
        until(lambda: handle.is_cancel_requested, "a cancel", 30.0)
        self.canceled.set()
        handle.canceled()
        return ExecutePrimitive.Result()


@pytest.fixture
def bench() -> Iterator[tuple[Callable[[], Arm], Callable[[], Any]]]:
    """Makes arms, and executes a primitive with the picker's own peers."""
    context = Context()
    rclpy.init(context=context, domain_id=unused_domain())
    executor = MultiThreadedExecutor(8, context=context)
    nodes: list[Node] = []

    def new_node(name: str) -> Node:
        nodes.append(Node(name, context=context))
        executor.add_node(nodes[-1])
        return nodes[-1]

    asked = Peers(new_node("picker"), lambda: PATIENCE)
    stop = threading.Event()
    thread = threading.Thread(target=spin, args=(executor, stop))
    thread.start()

    async def ended(execution: Execution) -> Any:
        return await execution.ended(lambda: None)

    async def attempt(use: Callable[[Execution], Any]) -> Any:
        try:
            return await use(await asked.execute(Primitive(), lambda: None))
        except ImpurityGraspError as error:
            return error

    def execute(use: Callable[[Execution], Any] = ended) -> Any:
        return executor.create_task(attempt, use)

    yield lambda: Arm(new_node(f"arm_{len(nodes)}")), execute
    stop.set()
    thread.join()
    for node in nodes:
        node.destroy_node()
    context.try_shutdown()


def test_a_goal_that_is_accepted_too_late_is_canceled(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    arm.may_accept.clear()
    task = execute()
    until(task.done, "the job to give up")
    assert isinstance(task.result(), PeerUnavailableError)
    assert not arm.canceled.is_set()
    arm.may_accept.set()
    assert arm.canceled.wait(10.0)


def test_a_goal_that_two_arms_would_execute_is_given_to_none(bench: Any) -> None:
    new_arm, execute = bench
    arms = [new_arm(), new_arm()]
    task = execute()
    until(task.done, "an answer")
    assert isinstance(task.result(), AmbiguousPeerError), task.result()
    assert [arm.goals for arm in arms] == [0, 0]


def test_an_arm_that_falls_silent_in_mid_motion_ends_the_job(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    task = execute()
    until(lambda: arm.goals == 1, "the goal")
    arm.announcement.close()
    until(task.done, "the end of the job", 5.0)
    assert isinstance(task.result(), PeerUnavailableError)
    assert arm.canceled.wait(10.0)


def test_an_arm_that_falls_silent_before_it_accepts_ends_the_job_at_once(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()
    arm.may_accept.clear()
    task = execute()
    assert arm.asked.wait(20.0)
    arm.announcement.close()
    until(task.done, "the end of the job", 20.0)
    assert isinstance(task.result(), PeerUnavailableError)
    assert "fell silent" in str(task.result())
    arm.may_accept.set()
    assert arm.canceled.wait(10.0)


def settled(handle: Any, until_then: threading.Event) -> None:
    """Report an attempt that holds, as soon as the test has seen the goal, until ``until_then``."""
    feedback = ExecutePrimitive.Feedback(attempt=[Attempt(status=Attempt.HELD)], clear=Time(sec=7))
    while not until_then.wait(0.05):  # the sender may have discovered the topic of the feedback later than the goal
        handle.publish_feedback(feedback)


def test_a_sender_goes_on_when_the_arm_is_out_of_view_and_knows_when_it_is_at_rest(bench: Any) -> None:
    new_arm, execute = bench
    arm, may_end, order = new_arm(), threading.Event(), []

    def ending(handle: Any) -> ExecutePrimitive.Result:
        settled(handle, may_end)
        order.append("at rest")
        handle.succeed()
        return ExecutePrimitive.Result(attempt=Attempt(status=Attempt.HELD, duration=5.0), completed=Time(sec=9))

    async def use(execution: Execution) -> Any:
        early = await execution.clear(lambda: None)
        order.append("clear")
        execution.check()
        may_end.set()
        return early, await execution.ended(lambda: None)

    arm.ending = ending
    task = execute(use)
    until(task.done, "the end")
    (early, clear), final = task.result()
    assert order == ["clear", "at rest"]
    assert (early.status, clear.sec, final.duration) == (Attempt.HELD, 7, 5.0)


def test_an_arm_that_never_tells_when_it_is_out_of_view_is_so_at_the_end(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()

    def ending(handle: Any) -> ExecutePrimitive.Result:
        handle.succeed()
        return ExecutePrimitive.Result(attempt=Attempt(status=Attempt.PUSHED), completed=Time(sec=9))

    async def use(execution: Execution) -> Any:
        return await execution.clear(lambda: None)

    arm.ending = ending
    task = execute(use)
    until(task.done, "the end")
    attempt, completed = task.result()
    assert (attempt.status, completed.sec) == (Attempt.PUSHED, 9)


def test_a_fault_after_the_arm_was_out_of_view_is_found_while_looking_and_at_the_end(bench: Any) -> None:
    new_arm, execute = bench
    arm, may_end = new_arm(), threading.Event()

    def ending(handle: Any) -> ExecutePrimitive.Result:
        settled(handle, may_end)
        handle.abort()
        return ExecutePrimitive.Result(error_code=int(ErrorCode.DEVICE_FAULT), error_msg="fingers are jammed")

    async def use(execution: Execution) -> Any:
        await execution.clear(lambda: None)
        may_end.set()
        return execution

    arm.ending = ending
    task = execute(use)
    until(task.done, "the report")
    execution = task.result()

    def found() -> bool:
        try:
            execution.check()
        except ReportedError as error:
            return error.code is ErrorCode.DEVICE_FAULT and "jammed" in str(error)
        return False

    until(found, "the fault")

    async def same(_: Execution) -> Any:
        return await execution.ended(lambda: None)

    arm.ending = lambda handle: handle.succeed() or ExecutePrimitive.Result()
    task = execute(same)
    until(task.done, "the end")
    assert isinstance(task.result(), ReportedError)


def test_a_job_that_has_to_end_while_the_arm_goes_home_stops_it(bench: Any) -> None:
    new_arm, execute = bench
    arm = new_arm()

    def ending(handle: Any) -> ExecutePrimitive.Result:
        until(lambda: handle.is_cancel_requested, "a cancel", 30.0)
        arm.canceled.set()
        handle.canceled()
        return ExecutePrimitive.Result(error_code=int(ErrorCode.CANCELED))

    def watch() -> None:
        raise CanceledError("expected to continue, was asked to stop")

    async def use(execution: Execution) -> Any:
        return await execution.ended(watch)

    arm.ending = ending
    task = execute(use)
    until(task.done, "the end")
    assert isinstance(task.result(), CanceledError)
    assert arm.canceled.is_set(), "the arm was at rest before the job ended"


@pytest.mark.parametrize("status", [GoalStatus.STATUS_UNKNOWN, GoalStatus.STATUS_ACCEPTED, GoalStatus.STATUS_EXECUTING])
def test_a_result_that_has_expired_is_no_success(status: int) -> None:
    with pytest.raises(ReportedError, match="status is"):
        execution._check_status(status)


def test_results_of_goals_that_have_ended_are_taken() -> None:
    for status in (4, 5, 6):  # succeeded, canceled, aborted
        execution._check_status(status)
