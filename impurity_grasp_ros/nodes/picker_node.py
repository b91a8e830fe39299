"""The main job as an action: ``pick_impurities`` observes, attends, decides and executes until nothing odd is left."""

from __future__ import annotations

from rclpy.action import ActionServer, CancelResponse, GoalResponse
from rclpy.action.server import ServerGoalHandle
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.node import Node
from rclpy.qos import QoSProfile

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import Attempt, Attention, Decision, Heightmap, Primitive
from impurity_grasp_ros.nodes.job import Job
from impurity_grasp_ros.nodes.parameters import NodeParameters
from impurity_grasp_ros.nodes.peers import Peers, PeersConfig
from impurity_grasp_ros.nodes.runtime import answer_error, finish, run

RESULT_TIMEOUT = 3600
"""Seconds that a result stays available to whoever asks late."""


class PickerNode(Node):
    """Action server ``pick_impurities``, one goal at a time; each decision goes out on topic ``decision``."""

    def __init__(self, **options: object) -> None:
        super().__init__("picker_node", **options)
        self._settings = NodeParameters(self, "picker_node", PeersConfig)
        self._peers = Peers(self, lambda: self._settings.value)
        self._decisions = self.create_publisher(Decision, "decision", QoSProfile(depth=10))
        self._busy = False
        self._server = ActionServer(
            self,
            PickImpurities,
            "pick_impurities",
            self._execute,
            goal_callback=self._on_goal,
            cancel_callback=lambda _goal: CancelResponse.ACCEPT,
            callback_group=ReentrantCallbackGroup(),
            result_timeout=RESULT_TIMEOUT,
        )

    def _on_goal(self, _goal: PickImpurities.Goal) -> GoalResponse:
        if self._busy:
            self.get_logger().warning("BUSY: refused a goal, another one is under way")
            return GoalResponse.REJECT
        self._busy = True
        return GoalResponse.ACCEPT

    async def _execute(self, handle: ServerGoalHandle) -> PickImpurities.Result:
        job = Job(handle)
        try:
            job.check_goal()
            await self._pick(job, handle.request.dry_run)
        except Exception as error:  # every fault ends the goal with its code, the node stays
            answer_error(job.result, error, self.get_logger())
        self._busy = False
        return finish(handle, job.result)

    async def _pick(self, job: Job, dry_run: bool) -> None:
        """The loop: observe, attend, decide, execute."""
        not_before = self.get_clock().now().to_msg()
        while not job.done():
            job.enter(PickImpurities.Feedback.OBSERVE)
            heightmap = await self._peers.observe(not_before, job.watch)
            job.enter(PickImpurities.Feedback.ATTEND)
            new_job = not job.result.attempts
            attention = await self._peers.attend(heightmap, new_job, job.watch)
            if attention.state == Attention.CLEAR:
                job.result.workspace_clear = True
                self._publish(job, heightmap, attention)
                return
            job.enter(PickImpurities.Feedback.DECIDE)
            primitive = await self._peers.decide(heightmap, attention, job.result.attempts, job.watch)
            job.decided(primitive)
            if dry_run:
                self._publish(job, heightmap, attention, primitive)
                return
            job.enter(PickImpurities.Feedback.EXECUTE)
            attempt, not_before = await self._peers.execute(primitive, job.watch)
            job.record(attempt)
            self._publish(job, heightmap, attention, primitive, attempt)

    def _publish(
        self,
        job: Job,
        heightmap: Heightmap,
        attention: Attention,
        primitive: Primitive | None = None,
        attempt: Attempt | None = None,
    ) -> None:
        decision = Decision(header=heightmap.header, heightmap=heightmap, attention=attention)
        decision.index = max(1, len(job.result.attempts) + (attempt is None))
        decision.primitive = [primitive] if primitive else []
        decision.attempt = [attempt] if attempt else []
        self._decisions.publish(decision)


def main() -> None:
    """Console script."""
    run(PickerNode)
