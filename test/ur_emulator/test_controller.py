"""The emulated controller moves the arm as commanded, and stops it for safety or when a watchdog expires."""

import numpy as np
import pytest
from emulated_controllers import HOME, controller_of, pass_time, play

from impurity_grasp_ros.transform import from_rotation_vector
from ur_emulator.controller import Controller
from ur_emulator.dashboard import DashboardServer
from ur_emulator.modes import RobotMode, RuntimeState, SafetyMode
from ur_emulator.personality import CB3, E_SERIES, Personality
from ur_emulator.plant import Measurement
from ur_emulator.poses import between, difference, to_pose
from ur_emulator.variables import output_values

TARGET = HOME + np.array([0.4, -0.1, 0.2, 0.0, 0.1, -0.3])
FOREVER = ("while True:", "  sync()", "end")


def joints(values: np.ndarray) -> str:
    return f"[{', '.join(map(str, values.tolist()))}]"


def pose(values: np.ndarray) -> str:
    return f"p{joints(np.asarray(values))}"


@pytest.mark.parametrize("personality", [CB3, E_SERIES])
def test_movej_reaches_its_target_in_the_time_of_a_trapezoid(personality: Personality) -> None:
    controller = controller_of(personality)
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.08 + 0.9)
    np.testing.assert_allclose(controller.arm.axes.q, TARGET, atol=1e-9)
    assert any("finished" in event for event in controller.events)


def test_no_axis_exceeds_the_commanded_speed() -> None:
    controller = controller_of()
    controller.upload(f"def main():\n movej({joints(TARGET)}, a=2.0, v=0.5)\nend\n")
    fastest = 0.0
    for _ in range(250):
        controller.cycle()
        fastest = max(fastest, float(np.abs(controller.arm.axes.qd).max()))
    assert fastest == pytest.approx(0.5, abs=0.01)


def test_movel_follows_a_straight_line() -> None:
    controller = controller_of()
    T_start = controller.arm.tool.transform(HOME)
    T_end = T_start.copy()
    T_end[:3, 3] += [0.05, 0.1, -0.08]
    controller.upload(f"def main():\n movel({pose(np.array(to_pose(T_end)))}, a=1.2, v=0.25)\nend\n")
    way = T_end[:3, 3] - T_start[:3, 3]
    for _ in range(200):
        controller.cycle()
        moved = controller.arm.tool.transform(controller.arm.axes.q)[:3, 3] - T_start[:3, 3]
        aside = moved - way * float(moved @ way) / float(way @ way)
        assert np.linalg.norm(aside) < 2e-4
    np.testing.assert_allclose(controller.arm.tool.transform(controller.arm.axes.q), T_end, atol=1e-6)


def test_the_speed_slider_slows_motions_down_and_zero_holds_them() -> None:
    controller = controller_of()
    controller.arm.speed_slider = 0.0
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=1.0)
    np.testing.assert_array_equal(controller.arm.axes.q, HOME)
    controller.arm.speed_slider = 0.5
    pass_time(controller, 0.9)
    assert 0.0 < np.abs(controller.arm.axes.q - HOME).max() < 0.4
    pass_time(controller, 1.0)
    np.testing.assert_allclose(controller.arm.axes.q, TARGET, atol=1e-9)


@pytest.mark.parametrize("reason", ["protective", "safeguard"])
def test_a_program_does_not_run_if_a_stop_begins_before_it_starts(reason: str) -> None:
    controller = controller_of()
    controller.upload(f"def main():\n movej({joints(TARGET)}, a=4.0, v=1.0)\nend\n")
    {"protective": lambda: controller.protective_stop("test"), "safeguard": lambda: controller.safeguard_stop(0.3)}[
        reason
    ]()
    pass_time(controller, 1.0)
    np.testing.assert_array_equal(controller.arm.axes.q, HOME)
    assert controller.runtime_state is RuntimeState.STOPPED


@pytest.mark.parametrize("reason", ["protective", "emergency", "program"])
def test_every_stop_stops_the_arm_within_half_a_second(reason: str) -> None:
    controller = controller_of()
    play(controller, f"movej({joints(TARGET)}, a=5.0, v=2.0)", seconds=0.2)
    assert not controller.arm.axes.at_rest
    {
        "protective": lambda: controller.protective_stop("test"),
        "emergency": controller.emergency_stop,
        "program": lambda: controller.stop_program("test"),
    }[reason]()
    pass_time(controller, 0.5)
    assert controller.arm.axes.at_rest
    rested = controller.arm.axes.q
    pass_time(controller, 1.0)
    np.testing.assert_array_equal(controller.arm.axes.q, rested)


def test_a_protective_stop_can_be_unlocked_after_five_seconds_and_play_resumes_the_motion() -> None:
    controller = controller_of()
    dashboard = DashboardServer(controller)
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.3)
    controller.protective_stop("test")
    assert "Cannot unlock" in dashboard.answer("unlock protective stop")
    pass_time(controller, 5.1)
    assert dashboard.answer("unlock protective stop") == "Protective stop releasing"
    pass_time(controller, 0.5)
    assert controller.runtime_state is RuntimeState.PAUSED
    assert np.abs(controller.arm.axes.q - TARGET).max() > 0.1
    assert dashboard.answer("play") == "Starting program"
    pass_time(controller, 1.0)
    np.testing.assert_allclose(controller.arm.axes.q, TARGET, atol=1e-9)


def test_a_safeguard_stop_pauses_the_motion_and_resumes_it_by_itself() -> None:
    controller = controller_of()
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.4)
    controller.safeguard_stop(0.1)
    assert (int(controller.safety_mode), output_values(controller, "safety_status_bits")) == (5, [1 << 4 | 1 << 10])
    assert controller.runtime_state is RuntimeState.PAUSED
    pass_time(controller, 0.09)
    assert controller.arm.axes.at_rest
    rested = controller.arm.axes.q
    pass_time(controller, 0.1)
    assert (controller.safety_mode, controller.runtime_state) == (SafetyMode.NORMAL, RuntimeState.PLAYING)
    assert np.abs(controller.arm.axes.q - rested).max() > 0.0
    pass_time(controller, 1.5)
    np.testing.assert_allclose(controller.arm.axes.q, TARGET, atol=1e-9)


def test_after_a_pause_no_axis_exceeds_the_commanded_speed_or_the_braking_deceleration() -> None:
    controller = controller_of()
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.4)
    controller.safeguard_stop(0.1)
    before = controller.arm.axes.qd
    for _ in range(100):
        controller.cycle()
        assert np.abs(controller.arm.axes.qd).max() < 1.05
        assert controller.arm.axes.qd[0] >= 0.0, "it does not go back to where the pause began"
        assert np.abs(controller.arm.axes.qd - before).max() < 60.0 * 0.008 + 1e-6, "no more than a stop for safety"
        before = controller.arm.axes.qd


@pytest.mark.parametrize("paused_before", [False, True])
def test_a_program_that_was_stopped_or_already_paused_is_not_resumed_after_a_safeguard_stop(
    paused_before: bool,
) -> None:
    controller = controller_of()
    dashboard = DashboardServer(controller)
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.4)
    if paused_before:
        dashboard.answer("pause")
    controller.safeguard_stop(0.1)
    if not paused_before:
        assert dashboard.answer("stop") == "Stopped", "the dashboard stops a paused program"
    pass_time(controller, 0.2)
    rested = controller.arm.axes.q
    pass_time(controller, 1.0)
    np.testing.assert_array_equal(controller.arm.axes.q, rested)
    assert controller.runtime_state is (RuntimeState.PAUSED if paused_before else RuntimeState.STOPPED)


def test_no_program_runs_without_power_or_in_local_control() -> None:
    controller = controller_of()
    dashboard = DashboardServer(controller)
    for prepare, restore in (
        (lambda: setattr(controller, "remote_control", False), lambda: setattr(controller, "remote_control", True)),
        (controller.power_off, lambda: [dashboard.answer("power on"), dashboard.answer("brake release")]),
    ):
        prepare()
        play(controller, f"movej({joints(TARGET)})", seconds=0.5)
        np.testing.assert_array_equal(controller.arm.axes.q, HOME)
        restore()
    assert controller.robot_mode is RobotMode.RUNNING


def test_after_an_emergency_stop_power_and_brakes_are_needed_again() -> None:
    controller = controller_of()
    dashboard = DashboardServer(controller)
    controller.emergency_stop()
    assert dashboard.answer("power on") == "Powering on"
    assert controller.robot_mode is RobotMode.POWER_OFF, "the button is still pressed"
    controller.release_emergency_stop()
    for line in ("power on", "brake release"):
        dashboard.answer(line)
    assert (controller.safety_mode, controller.robot_mode) == (SafetyMode.NORMAL, RobotMode.RUNNING)


@pytest.mark.parametrize(
    "line",
    [
        "movej([9, 0, 0, 0, 0, 0])",
        "movej([0, 0, 0])",
        "movel(p[3, 0, 0.3, 0, 3.14, 0])",
        "movej([0, 0, 0, 0, 0, 0], v=0)",
        "movel(p[0.4, 0.4, -0.5, 0, 3.14, 0], a=-1)",
    ],
)
def test_an_impossible_motion_ends_the_program_and_the_arm_stays(line: str) -> None:
    controller = controller_of()
    play(controller, line, *FOREVER)
    np.testing.assert_array_equal(controller.arm.axes.q, HOME)
    assert controller.runtime_state is RuntimeState.STOPPED
    assert "expected" in controller.events[-1]


@pytest.mark.parametrize(("action", "state"), [("stop", RuntimeState.STOPPED), ("pause", RuntimeState.PAUSED)])
def test_the_watchdog_acts_when_its_input_is_not_written(action: str, state: RuntimeState) -> None:
    controller = controller_of()
    play(controller, f'rtde_set_watchdog("input_int_register_0", 10, "{action}")', *FOREVER, seconds=0.1)
    for _ in range(20):
        controller.registers.write("input_int_register_0", 0, controller.time)
        pass_time(controller, 0.08)
    assert controller.runtime_state is RuntimeState.PLAYING
    pass_time(controller, 0.2)
    assert controller.runtime_state is state


def test_a_collision_causes_a_protective_stop() -> None:
    controller = controller_of()
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.3)
    controller.arm.plant.force = np.array([0.0, 0.0, 200.0])  # type: ignore[attr-defined]
    pass_time(controller, 0.1)
    assert controller.safety_mode is SafetyMode.PROTECTIVE_STOP


class SlowArm:
    """Mechanics that stop while ``stands`` is set, and carry out all commands in order."""

    def __init__(self) -> None:
        self.commands: list[np.ndarray] = []
        self.done = 0
        self.stands = False

    def follow(self, joints: np.ndarray, duration: float) -> Measurement:
        self.commands.append(joints)
        self.done = self.done if self.stands else min(self.done + 2, len(self.commands))
        commanded = self.commands[max(self.done - 1, 0)]
        return Measurement(commanded, np.zeros(6), np.zeros(3), commanded, (len(self.commands) - self.done) * duration)


def test_a_motion_slows_down_without_a_safety_stop_when_the_mechanics_fall_behind() -> None:
    arm = SlowArm()
    controller = Controller(CB3, arm, HOME)
    play(controller, f"movej({joints(TARGET)}, a=2.0, v=1.0)", seconds=0.4)
    arm.stands = True
    pass_time(controller, 0.5)
    ahead = np.abs(controller.arm.axes.q - controller.arm.measured.joints).max()
    assert controller.safety_mode is SafetyMode.NORMAL
    assert controller.arm.axes.at_rest
    assert 0.12 < ahead < 0.25, "more than the limit of the tracking error, and bounded"
    arm.stands = False
    pass_time(controller, 1.5)
    np.testing.assert_allclose(controller.arm.measured.joints, TARGET, atol=1e-9)


def test_a_motion_ends_only_when_the_mechanics_have_arrived() -> None:
    arm = SlowArm()
    controller = Controller(CB3, arm, HOME)
    play(controller, f"movej({joints(HOME + 0.01)}, a=2.0, v=1.0)", seconds=0.1)
    arm.stands = True
    pass_time(controller, 2.0)
    assert controller.program.is_loaded
    arm.stands = False
    pass_time(controller, 2.5)
    np.testing.assert_allclose(controller.arm.measured.joints, HOME + 0.01, atol=1e-9)
    assert not controller.program.is_loaded


def test_a_program_reads_and_writes_registers() -> None:
    controller = controller_of()
    controller.registers.write("input_double_register_3", 2.5, 0.0)
    play(controller, "write_output_float_register(4, read_input_float_register(3) * 2)")
    assert controller.registers.output_doubles[4] == 5.0


def test_poses_and_transforms_convert_into_each_other() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        values = np.concatenate([rng.uniform(-1, 1, 3), rng.uniform(-1.5, 1.5, 3)])
        np.testing.assert_allclose(to_pose(from_rotation_vector(values)), values, atol=1e-12)
        T_a, T_b = from_rotation_vector(values), from_rotation_vector(rng.uniform(-1, 1, 6))
        np.testing.assert_allclose(between(T_a, T_b, 0.0), T_a, atol=1e-12)
        np.testing.assert_allclose(between(T_a, T_b, 1.0), T_b, atol=1e-12)
        np.testing.assert_allclose(difference(T_a, T_a), 0.0, atol=1e-12)


def test_only_e_series_controllers_can_zero_the_force() -> None:
    for personality, left in ((CB3, 7.0), (E_SERIES, 0.0)):
        controller = controller_of(personality)
        controller.arm.plant.force = np.array([0.0, 0.0, 7.0])  # type: ignore[attr-defined]
        pass_time(controller, 0.1)
        play(controller, "zero_ftsensor()", "sleep(0.1)")
        assert controller.arm.force()[2] == left
