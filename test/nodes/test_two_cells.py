"""Two cells in one ROS domain do not disturb each other."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import pytest
import rclpy
from dds import unused_domain
from graph import until
from rclpy.context import Context
from rclpy.node import Node
from rclpy.qos import DurabilityPolicy, QoSProfile
from tf2_msgs.msg import TFMessage

from impurity_grasp.action import PickImpurities
from impurity_grasp.msg import CellState, SceneState
from impurity_grasp.srv import Manage
from impurity_grasp_ros.graphs import GRAPHS
from impurity_grasp_ros.nodes.action_client import ActionClient
from impurity_grasp_ros.nodes.processes import NodeProcesses
from impurity_grasp_ros.nodes.runtime import LATCHED, SpinningThread

pytestmark = [pytest.mark.ros, pytest.mark.sim]

SEEDS = {"left": 3, "right": 5}
SHARED = {"/clock", "/diagnostics", "/parameter_events", "/rosout", "/tf", "/tf_static"}
"""Topics that both cells may use: standard ones, whose messages say where they come from."""


class Cell:
    """A client in the namespace of a cell."""

    def __init__(self, name: str, context: Context) -> None:
        self.node = Node("client", namespace=name, context=context)
        self.state: CellState | None = None
        self.scene: SceneState | None = None
        self.node.create_subscription(CellState, "cell_state", lambda state: setattr(self, "state", state), LATCHED)
        self.node.create_subscription(SceneState, "scene_state", lambda scene: setattr(self, "scene", scene), LATCHED)
        self.manage = self.node.create_client(Manage, "manage")
        self.pick = ActionClient(self.node, PickImpurities, "pick_impurities")

    def begin(self, goal: PickImpurities.Goal) -> Any:
        """Send a goal; returns the future result, None if it is refused."""
        until(self.pick.server_is_ready, "pick_impurities")
        sent = self.pick.send_goal_async(goal)
        until(sent.done, "an answer to the goal")
        handle = sent.result()
        return handle.get_result_async() if handle.accepted else None

    def is_active(self) -> bool:
        return self.state is not None and self.state.active


@contextmanager
def two_cells(folder: Path) -> Iterator[dict[str, Cell]]:
    graph, context = GRAPHS["sim"], Context()
    rclpy.init(context=context, domain_id=unused_domain())
    cells = {name: Cell(name, context) for name in SEEDS}
    spinning = SpinningThread([cell.node for cell in cells.values()], 2, context)
    spinning.start()
    try:
        with ExitStack() as stack, pytest.MonkeyPatch.context() as patch:
            patch.setenv("ROS_DOMAIN_ID", str(context.get_domain_id()))
            patch.setenv("OMP_NUM_THREADS", "1")
            for name, seed in SEEDS.items():
                given = {"namespace": name, "frame_prefix": f"{name}_", "seed": str(seed), "use_sim_time": "false"}
                stack.enter_context(NodeProcesses(graph.nodes, graph.values(given), folder / name))
            yield cells
    finally:
        spinning.end()
        for cell in cells.values():
            cell.node.destroy_node()
        context.try_shutdown()


def test_two_cells_in_one_domain(tmp_path: Path) -> None:
    with two_cells(tmp_path) as cells:
        frames: set[str] = set()
        node = cells["left"].node
        static = QoSProfile(depth=10, durability=DurabilityPolicy.TRANSIENT_LOCAL)
        node.create_subscription(
            TFMessage,
            "/tf_static",
            lambda message: frames.update(item.child_frame_id for item in message.transforms),
            static,
        )
        for name, cell in cells.items():
            until(cell.is_active, f"all nodes of the {name} cell", 120.0)

        jobs = {name: cell.begin(PickImpurities.Goal(max_targets=1)) for name, cell in cells.items()}
        for name, job in jobs.items():
            until(job.done, f"the job of the {name} cell", 240.0)
            assert job.result().result.picked == 1, job.result().result.error_msg
        assert {name: cell.scene.seed for name, cell in cells.items() if cell.scene} == SEEDS

        until(lambda: {"left_table", "right_table", "left_workspace", "right_workspace"} <= frames, "the frames")
        names = {name for name, _types in node.get_topic_names_and_types()}
        assert {name for name in names if not name.startswith(("/left/", "/right/"))} <= SHARED
        services = {name for name, _types in node.get_service_names_and_types()}
        assert all(name.startswith(("/left/", "/right/")) for name in services)

        paused = cells["left"].manage.call_async(Manage.Request(command=Manage.Request.PAUSE))
        until(paused.done, "the pause of the left cell")
        until(lambda: not cells["left"].is_active(), "the pause of the left cell")
        assert cells["left"].begin(PickImpurities.Goal(dry_run=True)) is None
        assert cells["right"].is_active()
        job = cells["right"].begin(PickImpurities.Goal(dry_run=True))
        until(job.done, "the dry run of the right cell")
        assert job.result().result.error_code == 0
