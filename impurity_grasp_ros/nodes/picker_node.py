"""The job as an action: ``pick_impurities`` observes, attends, decides and executes until no odd object is left."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass

from builtin_interfaces.msg import Time
from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.qos import QoSProfile

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, Attention, Decision, Heightmap, JobState, Primitive
from impurity_grasp_ros.errors import ErrorCode, ImpurityGraspError, NotActiveError, ReportedError
from impurity_grasp_ros.nodes.batches import BatchConfig, Batches
from impurity_grasp_ros.nodes.execution import VIEW_CODES, PeersConfig
from impurity_grasp_ros.nodes.job import Job, Step, describe
from impurity_grasp_ros.nodes.managed import ManagedNode
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.peers import Peers
from impurity_grasp_ros.nodes.running import run
from impurity_grasp_ros.nodes.runtime import LATCHED, RESULT_TIMEOUT, Pacer, answer_error, finish

LOOK_PERIOD = 0.2
"""Seconds between views while the workspace is not clearly visible."""


@dataclass(frozen=True, kw_only=True)
class PickerConfig(PeersConfig):
    """How long the picker waits for the other nodes, in wall-clock time, and how it notices the next batch."""

    batches: BatchConfig


class PickerNode(ManagedNode):
    """Offers the action ``pick_impurities``, one goal at a time, and publishes each decision on topic ``decision``.

    Args:
        options: Keyword arguments of :class:`rclpy.node.Node`.

    Raises:
        ConfigError: A parameter is invalid.
    """

    def __init__(self, **options: object) -> None:
        super().__init__("picker_node", **options)
        self._settings = NodeParameters(self, "picker_node", PickerConfig)
        self._busy = threading.Lock()
        self._latest: Job | None = None
        self.start()

    def configure(self) -> None:
        """Look for the other nodes and offer the action; see the base class."""
        self._peers = Peers(self, lambda: self._settings.value)
        self._batches = Batches(self, self._peers, lambda: self._settings.value.batches)
        self._decisions = self.create_publisher(Decision, "decision", QoSProfile(depth=10))
        self._states = self.create_publisher(JobState, "job", LATCHED)
        self._pacer = Pacer(self, LOOK_PERIOD)
        server = ActionServer(
            self,
            PickImpurities,
            "pick_impurities",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
            result_timeout=RESULT_TIMEOUT,
        )
        self.own(self._peers.close)
        self.own(server.destroy)

    def health(self) -> dict[str, str]:
        """The latest job; see the base class."""
        if self._latest is None:
            return {"job": "none so far"}
        return {"job": f"{'in progress: ' if self._busy.locked() else ''}{self._latest.summary()}"}

    def _on_goal(self, _goal: PickImpurities.Goal) -> GoalResponse:
        try:
            self.check_active()
        except NotActiveError as error:
            self.get_logger().warning(f"{error.code.name}: refused a goal: {error}")
            return GoalResponse.REJECT
        if not self._busy.acquire(blocking=False):  # in one step: goals may arrive in two threads at once
            self.get_logger().warning("BUSY: refused a goal, another one is in progress")
            return GoalResponse.REJECT
        return GoalResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> PickImpurities.Result:
        job, log = Job(handle, lambda: self._peers.times_stopped, self._check_active, self._tell), self.get_logger()
        self._latest = job
        log.info(f"goal: {'dry run, ' if handle.request.dry_run else ''}at most {job.max_actions} actions")
        try:
            job.check_goal()
            last = await self._pick(job, handle.request.dry_run)
            while handle.request.continuous:
                await self._batches.arrived(job, last)
                job.begin_batch()
                last = await self._pick(job, dry_run=False)
        except Exception as error:  # every fault ends the goal with its code; the node keeps running
            answer_error(job.result, error, log)
            await self._end_step_despite(job, error)
        self._tell(job.state(active=False))
        log.info(f"result: {job.summary()}")
        self._busy.release()
        return finish(handle, job.result)

    def _tell(self, state: JobState) -> None:
        state.header.stamp = self.get_clock().now().to_msg()
        self._states.publish(state)

    def _check_active(self) -> None:
        """Raise NotActiveError if this node is not active, PeerUnavailableError if another one of the cell is not."""
        self.check_active()
        self._peers.check_active()

    async def _pick(self, job: Job, dry_run: bool) -> Heightmap | None:
        """Repeat: observe, attend, decide, execute. The next view is taken as soon as the arm is out of it.

        Returns:
            The view that showed a clear workspace; None if the job ended otherwise.
        """
        not_before = self.get_clock().now().to_msg()
        while not job.done():
            heightmap, attention = await self._see(job, not_before)
            if attention.state == Attention.CLEAR:
                await self._end_step(job)
                job.result.workspace_clear = True
                self._publish(job, heightmap, attention)
                return heightmap
            job.enter(PickImpurities.Feedback.DECIDE)
            primitive = await self._peers.decide(heightmap, attention, job.history(), job.watch)
            await self._end_step(job)
            job.decided(primitive)
            if dry_run:
                self._publish(job, heightmap, attention, primitive)
                return None
            job.enter(PickImpurities.Feedback.EXECUTE)
            execution = await self._peers.execute(primitive, job.watch)
            attempt, not_before = await execution.clear(job.watch)
            job.step = Step(heightmap, attention, primitive, execution, attempt)
        await self._end_step(job)
        return None

    async def _end_step(self, job: Job) -> None:
        """Wait until the arm is at rest, and record the attempt."""
        if job.step is None:
            return
        attempt = await job.step.execution.ended(job.watch)
        step, job.step = job.step, None
        job.record(attempt)
        self.get_logger().info(f"attempt {len(job.result.attempts)}: {describe(attempt)}")
        self._publish(job, step.heightmap, step.attention, step.primitive, attempt)

    async def _end_step_despite(self, job: Job, error: Exception) -> None:
        """As :meth:`_end_step`, after an error has ended the job; an action that must not go on is canceled."""
        try:
            await self._end_step(job)
        except ImpurityGraspError as further:
            if str(further) != str(error):
                self.get_logger().error(f"{further.code.name}: {further}")

    async def _see(self, job: Job, not_before: Time) -> tuple[Heightmap, Attention]:
        """Look until a view can be acted on; after ``view_timeout``, raise the fault of the last view."""
        history = job.history()
        start, reported = time.monotonic(), ErrorCode.NONE
        job.enter(PickImpurities.Feedback.OBSERVE)
        while True:
            try:
                heightmap = await self._peers.observe(not_before, not history, job.watch)
                job.enter(PickImpurities.Feedback.ATTEND)
                return heightmap, await self._peers.attend(heightmap, history, job.watch)
            except ReportedError as error:
                if error.code not in VIEW_CODES or time.monotonic() - start > self._settings.value.view_timeout:
                    raise
                code, what = error.code, f"{error.code.name}: {error}"
            job.wait_for(what)
            if code != reported:
                self.get_logger().warning(f"waiting for a clear view: {what}")
            reported = code
            await self._pacer.tick()
            not_before = self.get_clock().now().to_msg()

    def _publish(
        self,
        job: Job,
        heightmap: Heightmap,
        attention: Attention,
        primitive: Primitive | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        decision = Decision(header=heightmap.header, job=job.name, heightmap=heightmap, attention=attention)
        decision.index = max(1, len(job.result.attempts) + (attempt is None))
        decision.primitive = [primitive] if primitive else []
        decision.attempt = [attempt] if attempt else []
        self._decisions.publish(decision)


def main() -> None:
    """Entry point of the console script."""
    run(PickerNode)
