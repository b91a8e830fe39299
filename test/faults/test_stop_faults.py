"""Everything that stops the arm: its stopping distance, and that no motion resumes by itself."""

from __future__ import annotations

import signal
import subprocess
import threading
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from action_msgs.msg import GoalStatus
from fault_table import Verdict, fault
from graph import Graph, until
from rig import GRASP, Rig, code
from robot_client import PUSH, Robot
from std_srvs.srv import Trigger
from stopping import Journey, sender_process, stops_short

from impurity_grasp.action import ExecutePrimitive
from impurity_grasp_ros.cell import load_cell
from impurity_grasp_ros.nodes.conversions import to_primitive
from impurity_grasp_ros.nodes.signals import SUPERVISOR

pytest.importorskip("rtde_control")
pytestmark = [pytest.mark.ros]

RESTART = "start the node, `home`"
RECOVER = "find the cause, `recover`, `home`"


def signaled(robot: Robot, number: signal.Signals) -> subprocess.Popen[bytes]:
    """Send a signal to the node; returns its process."""
    node = robot.graph.processes["motion_node"]
    node.send_signal(number)
    return node


@pytest.mark.parametrize(
    ("number", "phase"),
    [
        pytest.param(
            number, phase, marks=fault(f"{name} during `{phase}`: displacement after the signal", RESTART),
            id=f"{number.name}-{phase}",
        )
        for number, name, phase in (
            (signal.SIGINT, "SIGINT (Ctrl-C)", "approach"),
            (signal.SIGINT, "SIGINT (Ctrl-C)", "push"),
            (signal.SIGTERM, "SIGTERM", "descend"),
        )
    ],
)  # fmt: skip
def test_a_signal_stops_the_arm_at_once(rig: Rig, verdict: Verdict, number: signal.Signals, phase: str) -> None:
    robot = rig.start()
    journey = Journey(robot).await_phase(phase)
    with stops_short(journey):
        node = signaled(robot, number)
    assert node.wait(10.0) == 0
    assert robot.cell.do("state")["runtime_state"] == "STOPPED"
    verdict.expect("STOPPED", "STOPPED", "the arm is at rest, the program stopped, exit code 0")
    robot.graph.restart("motion_node")
    robot.assert_usable()


@fault("further signals while the node is ending", RESTART)
def test_further_signals_change_nothing(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start()
    with stops_short(Journey(robot).await_phase("approach")):
        node = signaled(robot, signal.SIGINT)
        while node.poll() is None:  # until the process has ended
            node.send_signal(signal.SIGTERM if node.pid % 2 else signal.SIGINT)
            time.sleep(0.01)
    assert node.returncode == 0
    assert "Traceback" not in robot.graph.output("motion_node")
    verdict.expect("STOPPED", "STOPPED", "exit code 0, no traceback")
    robot.graph.restart("motion_node")
    robot.assert_usable()


NODES = ("motion_node", "policy_node", "heightmap_node", "attention_node", "picker_node", "bullet_bridge_node")


def heeds_signals(process: subprocess.Popen[bytes]) -> bool:
    """Return whether a process catches SIGTERM, which Python does not do by default."""
    status = Path(f"/proc/{process.pid}/status").read_text()
    (caught,) = (line.split()[1] for line in status.splitlines() if line.startswith("SigCgt"))
    return bool(int(caught, 16) >> (signal.SIGTERM - 1) & 1)


@fault("a signal while a node is starting", "start the node again")
def test_a_signal_during_the_start_ends_it_quietly(tmp_path_factory: pytest.TempPathFactory, verdict: Verdict) -> None:
    delays = (0.0, 0.6, 1.2, 2.0, 0.3, 0.9)  # seconds: in the imports, in the middle of the constructor, after it
    for name, delay in zip(NODES, delays, strict=True):
        graph = Graph(tmp_path_factory.mktemp(name), (name,), {})
        try:
            until(lambda node=graph.processes[name]: heeds_signals(node), "the first line of our own")
            time.sleep(delay)
            graph.processes[name].send_signal(signal.SIGINT)
            assert graph.processes[name].wait(20.0) in (0, 130), graph.output(name)
            assert "Traceback" not in graph.output(name)
        finally:
            graph.close()
    verdict.expect("STOPPED", "STOPPED", "exit code 0 or 130, no traceback")


@fault("service `stop` during a push", "nothing: the next goal starts from there")
def test_the_stop_service(robot: Robot, verdict: Verdict) -> None:
    journey = Journey(robot).await_phase("push")
    with stops_short(journey):
        answer = robot.stop()
    assert answer.success
    assert "execute_primitive" in answer.message
    result = journey.result()
    verdict.expect(code(result), "STOPPED", result.error_msg)


def start_homing(robot: Robot) -> tuple[Journey, threading.Thread, list[Trigger.Response]]:
    """Stop a push, then call ``home`` in a thread; returns the push, the thread, and the list that gets the answer."""
    journey = Journey(robot).await_phase("push")
    robot.stop()
    journey.result()
    answers: list[Trigger.Response] = []
    homing = threading.Thread(target=lambda: answers.append(robot.home()))
    homing.start()
    until(lambda: robot.speed() > 0.05, "motion")
    return journey, homing, answers


@fault("service `stop` during `home`", "call `home` again when the arm may move")
def test_home_can_be_stopped(robot: Robot, verdict: Verdict) -> None:
    journey, homing, answers = start_homing(robot)
    with stops_short(journey):
        robot.stop()
    homing.join(10.0)
    assert not answers[0].success
    assert answers[0].message == "expected home to continue: service stop was called"
    verdict.expect("STOPPED", "STOPPED", answers[0].message)


@fault("service `stop` while nothing moves", "nothing")
def test_stop_at_rest(robot: Robot, verdict: Verdict) -> None:
    answer = robot.stop()
    assert answer.success
    verdict.expect("NONE", "NONE", answer.message)
    time.sleep(0.6)  # goals sent before are refused


@fault("a goal that arrives just after `stop` was called", "nothing: the next goal works")
def test_a_goal_that_crosses_a_stop(robot: Robot, verdict: Verdict) -> None:
    before = robot.joints()
    robot.stop()
    result = robot.execute()
    verdict.expect(code(result), "STOPPED", result.error_msg)
    robot.assert_still(before)


@fault("emergency stop during `home`", "release the button, `recover`, `home`")
def test_emergency_stop_during_home(robot: Robot, verdict: Verdict) -> None:
    journey, homing, answers = start_homing(robot)
    with stops_short(journey):
        robot.cell.do("emergency_stop")
    homing.join(10.0)
    assert not answers[0].success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answers[0].message)
    robot.cell.do("release_emergency_stop")
    assert robot.recover().success


@fault("the node that sent the goal dies", "nothing: the next goal starts from there")
def test_the_sender_dies(robot: Robot, verdict: Verdict) -> None:
    sender = sender_process(robot, "watched")
    until(lambda: robot.speed() > 0.1, "motion")
    with stops_short(Journey(robot, None)):
        sender.kill()
        sender.wait()
    until(lambda: "SENDER_LOST" in robot.graph.output("motion_node"), "the node to say why")
    verdict.expect("SENDER_LOST", "SENDER_LOST", "the goal's sender fell silent")


@fault(
    "the node that sent the goal dies while `watch_sender` is false",
    "nothing: the primitive is finished, and the arm is free again",
)
def test_the_sender_is_not_watched(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start(watch_sender=False)
    sender = sender_process(robot, "unwatched")
    until(lambda: robot.speed() > 0.1, "motion")
    sender.kill()
    sender.wait()
    home = load_cell().home
    until(lambda: np.allclose(robot.joints(), home, atol=0.01), "the arm at home")
    assert "SENDER_LOST" not in robot.graph.output("motion_node")
    verdict.expect("NONE", "NONE", "the goal under way comes to its end first")


@pytest.mark.parametrize(
    ("sender", "expected"),
    [
        pytest.param(
            "", "INVALID_GOAL",
            marks=fault("a goal that names no sender", "name a sender, or set `watch_sender` to false"),
        ),
        pytest.param(
            "/execute_primitive/sender/nobody_1", "SENDER_LOST",
            marks=fault("a goal whose sender does not announce itself", "announce it, see `nodes/liveliness.py`"),
        ),
    ],
)  # fmt: skip
def test_a_goal_without_a_live_sender(robot: Robot, verdict: Verdict, sender: str, expected: str) -> None:
    before = robot.joints()
    goal = ExecutePrimitive.Goal(primitive=to_primitive(PUSH), sender=sender)
    result = robot.client.result(robot.client.send(robot.client.execute, goal)).result
    verdict.expect(code(result), expected, result.error_msg)
    robot.assert_still(before)


@fault("`ros2 launch` is killed, or gets a SIGTERM that is not sent to the nodes", "start it again, `home`")
def test_the_launch_process_dies(rig: Rig, verdict: Verdict, monkeypatch: pytest.MonkeyPatch) -> None:
    with subprocess.Popen(["sleep", "1000"]) as supervisor:
        monkeypatch.setenv(SUPERVISOR, str(supervisor.pid))
        robot = rig.start()
        with stops_short(Journey(robot).await_phase("approach")):
            supervisor.kill()
            supervisor.wait()
    assert robot.graph.processes["motion_node"].wait(10.0) == 0
    assert robot.cell.do("state")["runtime_state"] == "STOPPED"
    assert "the node was told to shut down" in robot.graph.output("motion_node")
    verdict.expect("STOPPED", "STOPPED", "the nodes end with it: the arm is at rest, the program stopped, exit code 0")


@fault("`motion_node` hangs during a motion (SIGSTOP)", "end the node, start it again, `home`")
def test_the_node_hangs(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start()
    journey = Journey(robot).await_phase("approach")
    with stops_short(journey, seconds_more=0.8):
        node = signaled(robot, signal.SIGSTOP)
    until(lambda: robot.cell.do("state")["runtime_state"] == "STOPPED", "a stopped program")
    node.send_signal(signal.SIGCONT)
    result = journey.result()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_usable()


@fault("a safeguard stop that ends by itself after 0.1 s", RECOVER)
def test_nothing_moves_after_a_safeguard_stop(robot: Robot, verdict: Verdict) -> None:
    journey = Journey(robot).await_phase("approach")
    with stops_short(journey):
        robot.cell.do("safeguard_stop", seconds=0.1)
    assert robot.cell.do("state")["runtime_state"] == "STOPPED"
    result = journey.result()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    assert code(robot.execute()) == "DEVICE_FAULT", "a person has to ask"
    assert robot.recover().success


def cut_off(robot: Robot) -> None:
    robot.cell.do("drop", service="rtde")
    robot.cell.do("protective_stop")


@pytest.mark.parametrize(
    "act",
    [
        pytest.param(
            cut_off, id="drop",
            marks=fault("the RTDE connection breaks before a protective stop, unlocked on the pendant", RECOVER),
        ),
        pytest.param(
            lambda robot: (robot.cell.do("protective_stop"), robot.cell.do("gripper_power_cycle")), id="gripper",
            marks=fault("a protective stop, unlocked on the pendant, while the gripper loses power", RECOVER),
        ),
    ],
)  # fmt: skip
def test_two_simultaneous_faults_need_a_person(robot: Robot, verdict: Verdict, act: Callable[[Robot], object]) -> None:
    with stops_short(journey := Journey(robot).await_phase("approach")):
        act(robot)
    assert code(journey.result()) == "DEVICE_FAULT"
    robot.await_diagnostic("arm", "PROTECTIVE_STOP")
    until(lambda: robot.cell.do("unlock")["safety_mode"] == "NORMAL", "the pendant's unlock")
    robot.await_diagnostic("arm", "can move again after recovery")
    before = robot.joints()
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_still(before)
    until(lambda: robot.recover().success, "recovery")


@fault("a goal is canceled at the moment when the RTDE connection breaks", "nothing: it reconnects; `home`")
def test_cancel_and_drop(robot: Robot, verdict: Verdict) -> None:
    with stops_short(journey := Journey(robot).await_phase("approach")):
        journey.handle.cancel_goal_async()
        robot.cell.do("drop", service="rtde")
    answer = robot.client.result(journey.handle)
    assert answer.status in (GoalStatus.STATUS_CANCELED, GoalStatus.STATUS_ABORTED)
    verdict.expect(code(answer.result), code(answer.result), answer.result.error_msg)


@fault("a goal is canceled while the controller hangs", "nothing: it reconnects by itself; `home`")
def test_cancel_of_a_hanging_controller(robot: Robot, verdict: Verdict) -> None:
    with stops_short(journey := Journey(robot).await_phase("approach")):
        robot.cell.do("freeze", seconds=1.5)
        journey.handle.cancel_goal_async()
    result = journey.result()
    verdict.expect(code(result), code(result), result.error_msg)


@fault(
    "the gripper stops answering while it releases over the bin",
    "check URCap and cable; it reconnects by itself; `home`",
)
def test_silent_during_release(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("object", opening=0.03)
    journey = Journey(robot, GRASP)
    until(lambda: "release" in journey.phases, "release")
    robot.cell.do("gripper_answers", on=False)
    result = journey.result()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.cell.do("gripper_answers", on=True)
    robot.cell.do("object", opening=None)


@fault("recovery while the dashboard server sends one byte per half second", "check the controller, `recover` again")
def test_a_slow_dashboard_server(robot: Robot, verdict: Verdict) -> None:
    robot.cell.do("stop_program")
    robot.await_diagnostic("arm", "program")
    robot.cell.do("dashboard_drip", seconds_per_byte=0.5)
    start = time.monotonic()
    answer = robot.recover()
    assert time.monotonic() - start < 15.0
    assert not answer.success
    verdict.expect("DEVICE_FAULT", "DEVICE_FAULT", answer.message)
    robot.cell.do("dashboard_drip", seconds_per_byte=0.0)
    assert robot.recover().success


@fault("SIGTERM during a recovery with a slow dashboard server", RESTART)
def test_a_signal_ends_a_recovery(rig: Rig, verdict: Verdict) -> None:
    robot = rig.start()
    robot.cell.do("stop_program")
    robot.await_diagnostic("arm", "program")
    robot.cell.do("dashboard_drip", seconds_per_byte=0.5)
    enough = threading.Event()

    def recover() -> None:
        while not enough.is_set():  # on a busy machine, one may end between two goals
            robot.recover()

    recovering = threading.Thread(target=recover, daemon=True)
    recovering.start()
    until(lambda: not robot.send().accepted, "recovery to begin")
    enough.set()
    node = signaled(robot, signal.SIGTERM)
    assert node.wait(15.0) == 0
    robot.cell.do("dashboard_drip", seconds_per_byte=0.0)
    verdict.expect("STOPPED", "STOPPED", "exit code 0")
    recovering.join(20.0)
    robot.graph.restart("motion_node")
    until(lambda: robot.recover().success, "recovery")


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(
            seconds,
            marks=fault(
                f"the network delays everything by {seconds} s in each direction",
                "check the network, `recover`, `home`",
            ),
        )
        for seconds in (0.3, 0.6)
    ],
)
def test_a_slow_network(robot: Robot, verdict: Verdict, seconds: float) -> None:
    robot.cell.do("delay", seconds=seconds)
    result = robot.execute()
    verdict.expect(code(result), "DEVICE_FAULT", result.error_msg)
    robot.assert_still()
    robot.cell.do("delay", seconds=0.0)
    until(lambda: robot.recover().success, "recovery")
