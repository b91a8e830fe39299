"""The registers of the emulated gripper behave as the manual says."""

import pytest

from ur_emulator.gripper import (
    ACTIVATION_TIME,
    STROKE,
    IdealFingers,
    ObjectState,
    UrcapGripper,
    count_of,
    opening_of,
)


def active_gripper(fingers: IdealFingers) -> UrcapGripper:
    gripper = UrcapGripper(fingers)
    gripper.handle("SET ACT 1")
    gripper.advance(ACTIVATION_TIME)
    return gripper


def test_activation_takes_time() -> None:
    gripper = UrcapGripper(IdealFingers())
    assert gripper.handle("GET STA") == b"STA 0\n"
    assert gripper.handle("SET ACT 1") == b"ack"
    gripper.advance(ACTIVATION_TIME / 2)
    assert gripper.handle("GET STA") == b"STA 1\n"
    gripper.advance(ACTIVATION_TIME / 2)
    assert gripper.handle("GET STA") == b"STA 3\n"
    gripper.handle("SET ACT 0")
    assert gripper.handle("GET STA") == b"STA 0\n"


def test_nothing_moves_before_activation() -> None:
    fingers = IdealFingers()
    gripper = UrcapGripper(fingers)
    gripper.handle("SET POS 255 SPE 255 FOR 10 GTO 1")
    gripper.advance(2.0)
    assert fingers.opening() == STROKE


@pytest.mark.parametrize(("obstacle", "state"), [(None, ObjectState.AT_TARGET), (0.04, ObjectState.STALLED_CLOSING)])
def test_closing_ends_at_the_target_or_on_an_object(obstacle: float | None, state: ObjectState) -> None:
    fingers = IdealFingers()
    fingers.obstacle = obstacle
    gripper = active_gripper(fingers)
    gripper.handle("SET POS 255 SPE 255 FOR 100 GTO 1")
    assert gripper.object_state() is ObjectState.MOVING
    for _ in range(100):
        gripper.advance(0.01)
    assert gripper.object_state() is state
    assert fingers.opening() == pytest.approx(obstacle or 0.0)


def test_fingers_close_further_when_they_lose_an_object() -> None:
    fingers = IdealFingers()
    fingers.obstacle = 0.04
    gripper = active_gripper(fingers)
    gripper.handle("SET POS 255 SPE 255 FOR 100 GTO 1")
    for _ in range(100):
        gripper.advance(0.01)
    fingers.obstacle = None
    for _ in range(100):
        gripper.advance(0.01)
    assert gripper.object_state() is ObjectState.AT_TARGET
    assert fingers.opening() == pytest.approx(0.0)


def test_the_fingers_do_not_move_during_a_fault() -> None:
    fingers = IdealFingers()
    gripper = active_gripper(fingers)
    gripper.fail(9)
    gripper.handle("SET POS 255 GTO 1")
    gripper.advance(1.0)
    assert fingers.opening() == STROKE
    assert gripper.handle("GET FLT") == b"FLT 9\n"


def reset(gripper: UrcapGripper) -> None:
    for line in ("SET ACT 0", "SET ACT 1"):
        gripper.handle(line)
    gripper.advance(ACTIVATION_TIME)


@pytest.mark.parametrize("number", [10, 12, 13, 14, 15])
def test_a_reset_clears_a_major_fault_unless_its_cause_is_permanent(number: int) -> None:
    gripper = active_gripper(IdealFingers())
    gripper.fail(number)
    gripper.advance(60.0)
    assert gripper.handle("GET FLT") == f"FLT {number}\n".encode()
    reset(gripper)
    assert gripper.handle("GET FLT") == b"FLT 0\n"
    gripper.fail(number, stays=True)
    reset(gripper)
    assert gripper.handle("GET FLT") == f"FLT {number}\n".encode()
    gripper.fail(0)
    assert gripper.handle("GET FLT") == b"FLT 0\n"


@pytest.mark.parametrize("number", [8, 9])
def test_a_minor_fault_ends_with_its_cause_and_not_by_a_reset(number: int) -> None:
    gripper = active_gripper(IdealFingers())
    gripper.fail(number)
    reset(gripper)
    assert gripper.handle("GET FLT") == f"FLT {number}\n".encode()
    gripper.advance(1.0)
    assert gripper.handle("GET FLT") == b"FLT 0\n"
    gripper.fail(number, stays=True)
    gripper.advance(60.0)
    assert gripper.handle("GET FLT") == f"FLT {number}\n".encode()


@pytest.mark.parametrize(("opening", "reached"), [(None, STROKE), (0.03, 0.03)])
def test_jammed_fingers_do_not_reach_their_target(opening: float | None, reached: float) -> None:
    fingers = IdealFingers()
    gripper = active_gripper(fingers)
    gripper.jam(opening)
    gripper.handle("SET POS 255 SPE 255 FOR 10 GTO 1")
    gripper.advance(5.0)
    assert fingers.opening() == pytest.approx(reached)
    assert gripper.object_state() is ObjectState.STALLED_CLOSING
    gripper.jam(on=False)
    gripper.handle("SET POS 255 SPE 255 FOR 10 GTO 1")
    gripper.advance(5.0)
    assert fingers.opening() == pytest.approx(0.0)


@pytest.mark.parametrize(
    "line", ["", "GET", "GET XYZ", "SET POS", "SET POS x", "SET XYZ 3", "HELLO 1 2", "SET POS 1 SPE"]
)
def test_invalid_lines_are_answered_with_a_question_mark(line: str) -> None:
    assert UrcapGripper(IdealFingers()).handle(line) == b"?\n"


def test_counts_and_openings_are_inverse() -> None:
    assert (count_of(STROKE), count_of(0.0)) == (3, 230)
    for count in range(3, 231):
        assert count_of(opening_of(count)) == count


@pytest.mark.parametrize("stroke", [STROKE, 0.140])
def test_the_registers_span_the_stroke_of_the_gripper(stroke: float) -> None:
    fingers = IdealFingers(stroke)
    gripper = UrcapGripper(fingers, stroke)
    gripper.handle("SET ACT 1")
    gripper.advance(ACTIVATION_TIME)
    assert (fingers.opening(), gripper.handle("GET POS")) == (stroke, b"POS 3\n")
    assert gripper.object_state() is ObjectState.AT_TARGET
    gripper.handle("SET POS 115 SPE 255 FOR 10 GTO 1")
    gripper.advance(2.0)
    assert fingers.opening() == pytest.approx(stroke * 115 / 227, abs=1e-9)
    assert gripper.handle("GET POS") == b"POS 115\n"
