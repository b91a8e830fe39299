"""``attention_node`` can be taught by service, and jobs begin with what it was taught."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import rclpy
from dds import unused_domain
from geometry_msgs.msg import Point
from graph import until
from rclpy.context import Context
from rclpy.executors import MultiThreadedExecutor
from rclpy.node import Node
from rclpy.parameter import Parameter
from tiny_objects import BLUE, BROWN, GREEN, TAN, Block, ColorNetwork, row_of, view
from typer.testing import CliRunner

from impurity_grasp.msg import Attention
from impurity_grasp.srv import Attend, CaptureHeightmap, Teach
from impurity_grasp_ros.cli.main import app
from impurity_grasp_ros.datatypes import Attempt, AttentionState, Heightmap, Outcome, OutcomeStatus, Primitive
from impurity_grasp_ros.datatypes import Attention as Seen
from impurity_grasp_ros.errors import ConfigError, ErrorCode, PeerUnavailableError, ReportedError
from impurity_grasp_ros.nodes import teach_client
from impurity_grasp_ros.nodes.attention_node import AttentionNode
from impurity_grasp_ros.nodes.conversions import from_attention, to_attempt, to_heightmap
from impurity_grasp_ros.nodes.runtime import spin
from impurity_grasp_ros.perception import job_attention
from impurity_grasp_ros.perception import odd_objects as objects_module
from impurity_grasp_ros.perception.belief import Belief
from impurity_grasp_ros.perception.network_weights import identity
from impurity_grasp_ros.perception.ordinary_model import load_model

pytestmark = pytest.mark.ros

NETWORK = ColorNetwork()
IMPURITIES = row_of(BLUE, GREEN, BROWN)
"""More impurities than product."""


class Served:
    """An attention node in mode ``objects``, a camera that sees ``blocks``, and a client."""

    def __init__(self, domain: int, **parameters: Any) -> None:
        self._context = Context()
        rclpy.init(context=self._context, domain_id=domain)
        values = {"mode": "objects", "objects.weights": "any.safetensors", **parameters}
        overrides = [Parameter(name, value=value) for name, value in values.items()]
        self.attention = AttentionNode(context=self._context, parameter_overrides=overrides)
        self.blocks: Sequence[Block] = ()
        self._client = Node("test_client", context=self._context)
        self._client.create_service(CaptureHeightmap, "capture_heightmap", self._on_capture)
        self._attend = self._client.create_client(Attend, "attend")
        self._teach = self._client.create_client(Teach, "teach")
        self._executor = MultiThreadedExecutor(3, context=self._context)
        for node in (self.attention, self._client):
            self._executor.add_node(node)
        self._stop = threading.Event()
        self._thread = threading.Thread(target=spin, args=(self._executor, self._stop))
        self._thread.start()
        for client in (self._attend, self._teach):
            until(client.service_is_ready, client.srv_name)

    def close(self) -> None:
        self._stop.set()
        self._thread.join()
        for node in (self.attention, self._client):
            node.destroy_node()
        self._context.try_shutdown()

    def _on_capture(
        self, request: CaptureHeightmap.Request, response: CaptureHeightmap.Response
    ) -> CaptureHeightmap.Response:
        response.heightmap = to_heightmap(view(self.blocks))
        return response

    def _call(self, client: Any, request: Any) -> Any:
        future = client.call_async(request)
        until(future.done, client.srv_name)
        return future.result()

    def teach(
        self,
        blocks: Sequence[Block],
        what: int = Teach.Request.ORDINARY,
        points: Sequence[tuple[float, float]] = (),
        **fields: Any,
    ) -> Teach.Response:
        places = [Point(x=x, y=y) for x, y in points]
        request = Teach.Request(heightmap=to_heightmap(view(blocks)), what=what, points=places, **fields)
        return self._call(self._teach, request)

    def odd(self, blocks: Sequence[Block], new_job: bool = True) -> list[bool]:
        """Which blocks of a view are odd; raises AssertionError on a fault."""
        saliency = from_attention(self.attend(blocks, new_job=new_job)).saliency
        return [bool(saliency[block.cells].min() > 0.5) for block in blocks]

    def attend(self, blocks: Sequence[Block], **fields: Any) -> Attention:
        """What a view shows; raises AssertionError on a fault."""
        response = self._call(self._attend, Attend.Request(heightmap=to_heightmap(view(blocks)), **fields))
        assert response.error_code == ErrorCode.NONE, response.error_msg
        self.seen = response.attention
        return self.seen


@pytest.fixture(autouse=True)
def color_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """A network that tells colors apart in place of the trained one."""
    monkeypatch.setattr(objects_module, "load_object_network", lambda path: NETWORK)


@pytest.fixture
def served() -> Iterator[Served]:
    running = Served(unused_domain())
    yield running
    running.close()


def counts(response: Teach.Response) -> tuple[int, int, int]:
    assert response.error_code == ErrorCode.NONE, response.error_msg
    return response.added, response.ordinary, response.odd


def test_what_was_taught_is_used_by_the_next_job_at_once_and_not_by_the_present_one(served: Served) -> None:
    assert served.odd(row_of(BLUE, BLUE, BROWN)) == [False, False, True], "the majority is ordinary"
    assert counts(served.teach(row_of(BROWN, TAN))) == (2, 2, 0)
    assert served.odd(row_of(BLUE, BLUE, BROWN), new_job=False) == [False, False, True]
    assert served.odd(IMPURITIES) == [True, True, False]
    assert served.odd(row_of(BLUE)) == [True]
    assert served.odd(row_of(BROWN)) == [False]
    assert served.seen.state == Attention.CLEAR


def test_views_add_up_until_teaching_begins_anew(served: Served) -> None:
    assert counts(served.teach(row_of(BROWN, TAN))) == (2, 2, 0)
    assert counts(served.teach(row_of(GREEN))) == (1, 3, 0)
    assert served.odd(IMPURITIES) == [True, False, False]
    assert counts(served.teach(row_of(BROWN), begin=True)) == (1, 1, 0)
    assert served.odd(IMPURITIES) == [True, True, False]


def test_impurities_are_marked_by_points(served: Served) -> None:
    blocks = row_of(BROWN, BLUE, TAN)
    assert counts(served.teach(blocks, Teach.Request.ODD, [blocks[1].center])) == (3, 2, 1)
    assert served.odd(row_of(BLUE, TAN, BLUE)) == [True, False, True]


def test_a_file_is_written_and_loaded_by_a_change_of_parameter(served: Served, tmp_path: Path) -> None:
    path = tmp_path / "new" / "goods.json"
    assert counts(served.teach(row_of(BROWN, TAN), file=str(path))) == (2, 2, 0)
    assert len(load_model(path, identity(NETWORK), NETWORK.vector).first) == 2
    assert path.stat().st_size < 1000
    assert counts(served.teach(row_of(BLUE, GREEN), begin=True)) == (2, 2, 0)
    assert served.odd(IMPURITIES) == [False, False, True]
    changed = served.attention.set_parameters([Parameter("objects.ordinary_model", value=str(path))])
    assert changed[0].successful
    assert served.odd(IMPURITIES) == [True, True, False], "the file takes the place of what was taught"
    assert counts(served.teach(row_of(BLUE))) == (1, 3, 0), "teaching goes on from the file"
    assert served.odd(IMPURITIES) == [False, True, False]
    served.attention.set_parameters([Parameter("occlusion.min_height", value=0.05)])
    assert served.odd(IMPURITIES) == [False, True, False], "other parameters change nothing"


def test_other_weights_drop_what_was_taught(served: Served) -> None:
    served.teach(row_of(BROWN, TAN))
    served.attention.set_parameters([Parameter("objects.weights", value="other.safetensors")])
    assert served.odd(row_of(BLUE, BLUE, BROWN)) == [False, False, True]


def test_unfamiliar_goods_are_reported_in_the_answer(served: Served) -> None:
    served.odd(row_of(BLUE, BLUE, GREEN))
    assert not served.seen.unfamiliar, "nothing was taught"
    served.teach(row_of(BROWN, TAN))
    served.odd(row_of(BLUE, BLUE, GREEN))
    assert served.seen.unfamiliar
    served.odd(row_of(BROWN, BROWN, GREEN))
    assert not served.seen.unfamiliar


@pytest.mark.parametrize(
    ("fields", "code", "said"),
    [
        ({"what": 7}, ErrorCode.INVALID_GOAL, "what: expected 0"),
        ({"blocks": ()}, ErrorCode.INVALID_GOAL, "expected objects in view"),
        ({"points": [(0.3, 0.2)]}, ErrorCode.INVALID_GOAL, "expected an object at (0.300, 0.200) m"),
        ({"file": "goods.json"}, ErrorCode.INVALID_CONFIG, "file: expected an absolute path, received 'goods.json'"),
        ({"file": "/dev/null"}, ErrorCode.INVALID_CONFIG, "expected a new file, or a model to replace"),
        ({"file": "/proc/goods.json"}, ErrorCode.INVALID_CONFIG, "expected a file that can be written"),
    ],
)
def test_after_a_fault_nothing_was_learned(served: Served, fields: dict[str, Any], code: ErrorCode, said: str) -> None:
    served.teach(row_of(BROWN, TAN))
    response = served.teach(**{"blocks": row_of(BLUE, GREEN), "begin": True, **fields})
    assert response.error_code == code
    assert said in response.error_msg
    assert served.odd(IMPURITIES) == [True, True, False]


def test_a_view_without_fine_color_teaches_nothing(served: Served) -> None:
    heightmap = to_heightmap(view(row_of(BROWN)))
    heightmap.fine_color.data = []
    response = served._call(served._teach, Teach.Request(heightmap=heightmap))
    assert response.error_code == ErrorCode.INVALID_FRAME
    assert "fine_color" in response.error_msg


def test_a_change_of_mode_begins_anew_even_within_a_job(served: Served) -> None:
    served.teach(row_of(BROWN, TAN))
    assert served.odd(IMPURITIES) == [True, True, False]
    served.attention.set_parameters([Parameter("mode", value="outlier")])
    served.odd(row_of(BROWN, BROWN, BROWN, BLUE), new_job=False)
    assert served.seen.state == Attention.TARGET
    served.attention.set_parameters([Parameter("mode", value="objects")])
    assert served.odd(IMPURITIES, new_job=False) == [True, True, False]


def test_a_model_that_cannot_be_used_is_a_fault_by_name_until_another_is_named(tmp_path: Path) -> None:
    served = Served(unused_domain(), **{"objects.ordinary_model": str(tmp_path / "nowhere.json")})
    try:
        request = Attend.Request(heightmap=to_heightmap(view(IMPURITIES)), new_job=True)
        response = served._call(served._attend, request)
        assert response.error_code == ErrorCode.INVALID_CONFIG
        assert "nowhere.json: expected a model of ordinary objects" in response.error_msg
        served.attention.set_parameters([Parameter("objects.ordinary_model", value="")])
        assert served.odd(row_of(BLUE, BLUE, BROWN)) == [False, False, True]
    finally:
        served.close()


def run(served_domain: int, monkeypatch: pytest.MonkeyPatch, *words: str, typed: str = "") -> str:
    """What ``impurity-grasp teach`` prints; raises what it raises."""
    monkeypatch.setenv("ROS_DOMAIN_ID", str(served_domain))
    done = CliRunner().invoke(app, ["teach", *words], input=typed, env={"COLUMNS": "200"})
    if done.exception is not None:
        raise done.exception
    return done.output


def test_the_command_shows_what_lies_in_the_workspace(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    domain, path = unused_domain(), tmp_path / "goods.json"
    served = Served(domain)
    try:
        served.blocks = row_of(BROWN, TAN)
        said = run(domain, monkeypatch, str(path), "--frames", "2", typed="\n")
        assert "view 2 of 2: 2 objects" in said
        assert "4 ordinary and 0 odd objects taught so far" in said
        assert len(load_model(path, identity(NETWORK), NETWORK.vector).first) == 4
        served.blocks = row_of(BROWN, BLUE)
        x, y = served.blocks[1].center
        assert "5 ordinary and 1 odd" in run(domain, monkeypatch, str(path), "--add", "--odd", f"{x:.3f},{y:.3f}")
        assert "1 ordinary and 1 odd" in run(domain, monkeypatch, str(path), "--odd", f"{x:.3f},{y:.3f}")
        served.blocks = row_of(GREEN)
        assert "1 ordinary and 2 odd" in run(domain, monkeypatch, str(path), "--add", "--only-odd")
        model = load_model(path, identity(NETWORK), NETWORK.vector)
        assert np.rint((model.first[-1, :3] + 0.5) * 255).tolist() == list(GREEN)
        served.blocks = ()
        with pytest.raises(ReportedError, match="expected objects in view") as raised:
            run(domain, monkeypatch, str(path))
        assert raised.value.code == ErrorCode.INVALID_GOAL
    finally:
        served.close()


def test_the_command_says_when_no_graph_is_running(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(teach_client, "APPEAR_TIMEOUT", 0.3)
    with pytest.raises(PeerUnavailableError, match=r"expected /?capture_heightmap to appear within 0.3 s"):
        run(unused_domain(), monkeypatch, str(tmp_path / "goods.json"))
    with pytest.raises(ConfigError, match="--weights: expected --scene with it"):
        run(unused_domain(), monkeypatch, str(tmp_path / "goods.json"), "--weights", "any.safetensors")


def test_what_was_done_since_the_last_view_counts_until_the_next_job(
    served: Served, monkeypatch: pytest.MonkeyPatch
) -> None:
    told: list[Belief] = []
    monkeypatch.setattr(
        job_attention, "attend", lambda heightmap, _memory, _config, belief: (told.append(belief), stub(heightmap))[1]
    )
    push = Primitive.push((0.5, 0.0, 0.01), 0.0)
    last = to_attempt(Attempt(push, Outcome(OutcomeStatus.PUSHED, 0.0, 1.0, "")))
    for new_job, attempts in ((True, []), (False, [last]), (False, []), (False, [last]), (True, [])):
        served.attend(row_of(BLUE, BLUE), new_job=new_job, last=attempts)
    assert [0 if belief.pushes is None else belief.pushes.max() for belief in told] == [0, 1, 1, 2, 0]


def stub(heightmap: Heightmap) -> tuple[Seen, None]:
    """A candidate in the middle of the view."""
    saliency = np.zeros(heightmap.valid.shape, np.float32)
    crop, mask = heightmap.window(0, 0, 112), np.ones((112, 112), np.bool_)
    return Seen(AttentionState.CANDIDATE, heightmap.grid.middle, crop, mask, 0.0, (), saliency), None
