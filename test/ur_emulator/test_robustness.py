"""The emulated controller survives invalid input of clients and reports it."""

import contextlib
import socket
import struct
import time
from collections.abc import Iterator

import pytest
from emulated_controllers import controller_of, pass_time
from hypothesis import example, given, settings
from hypothesis import strategies as st
from served_cell import ServedCell, free_host, served_cell

from ur_emulator import rtde
from ur_emulator.errors import ScriptError
from ur_emulator.server import CLIENT_ERRORS
from ur_emulator.urscript.tokens import MAX_LENGTH, ProgramStream
from ur_emulator.variables import Readings

WORDS = (
    "def main():", "thread t():", "sec s():", "end", "if True:", "elif x:", "else:", "while i < 3:", "break",
    "continue", "return", "halt", "sync()", "x = 1", "x[0] = [1, 2]", "run t()", "kill 3",
    "global x = p[0, 0, 0, 0, 0, 0]", "f(",
    ")", "movej([0, 0, 0, 0, 0, 0])", "movej(get_actual_joint_positions_history())", "stopj(x)", "set_tcp(1)",
    "sleep(-1)",
    "write_output_integer_register(0, 1e30)", "write_output_integer_register(99, 1)", "main()", "-" * 50, "(" * 30,
    '"text"', "1e999", "9" * 5000, "\x00", "é",
)  # fmt: skip


@pytest.fixture(scope="module")
def cell() -> Iterator[ServedCell]:
    with served_cell(free_host()) as served:
        yield served


@pytest.mark.parametrize("size", [0, 1, 2])
def test_a_packet_smaller_than_its_header_ends_the_connection_and_is_logged(cell: ServedCell, size: int) -> None:
    with socket.create_connection((cell.host, 30004), timeout=10.0) as client:
        client.sendall(struct.pack(">HB", size, ord("V")))
        assert client.recv(16) == b""
    assert f"expected an RTDE packet of at least 3 bytes, received a size of {size}" in cell.do("state")["events"][-1]


@pytest.mark.parametrize(
    "source",
    [
        "def main():\n def f():\n  f()\n end\n f()\nend\n",
        f"def main():\n x = {'(' * 5000}1{')' * 5000}\nend\n",
        f"def main():\n x = {'not ' * 5000}True\nend\n",
        "def main():\n break\nend\n",
        f"def main():\n x = {'9' * 5000}\nend\n",
        "def main():\n write_output_integer_register(0, 1e30)\nend\n",
    ],
)
def test_programs_that_nest_too_deeply_or_cannot_run_are_logged(cell: ServedCell, source: str) -> None:
    before = len(cell.do("state")["events"])
    with socket.create_connection((cell.host, 30002), timeout=10.0) as client:
        client.sendall(source.encode())
    deadline = time.monotonic() + 20.0
    while len(events := cell.do("state")["events"]) == before or "running" in events[-1]:
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert "refused: " in events[-1] or "runtime error: " in events[-1]


@settings(max_examples=150)
@given(st.lists(st.sampled_from(WORDS), max_size=12))
@example(["def main():", "main()", "end"])
def test_any_text_is_a_program_or_is_refused(words: list[str]) -> None:
    controller = controller_of()
    controller.upload("\n".join(words) + "\n")
    controller.upload("\n".join(["def main():", *words, "end", ""]))
    pass_time(controller, 0.12)
    assert Readings(controller)["output_int_register_0"] == [0]


@settings(max_examples=200)
@given(st.sampled_from(b"VvOISPUx"), st.binary(max_size=60))
@example(ord("U"), b"")
@example(ord("O"), struct.pack(">d", 1e-300) + b"timestamp")
@example(ord("O"), struct.pack(">d", float("nan")) + b"timestamp")
@example(ord("I"), b"input_int_register_99,speed_slider_mask")
def test_any_packet_is_answered_or_raises_a_client_error(kind: int, payload: bytes) -> None:
    client = rtde.Client(controller_of())
    with contextlib.suppress(*CLIENT_ERRORS):
        client.answer(kind, payload)
    client.started = True
    client.publish(Readings(client.controller))


def test_a_speed_slider_that_is_not_finite_is_refused() -> None:
    client = rtde.Client(controller_of())
    client.answer(ord("I"), b"speed_slider_fraction")
    with pytest.raises(CLIENT_ERRORS, match="finite"):
        client.answer(ord("U"), struct.pack(">Bd", 1, float("nan")))
    assert client.controller.arm.speed_slider == 1.0


def test_more_input_recipes_than_a_byte_can_number_are_refused() -> None:
    client = rtde.Client(controller_of())
    for _ in range(rtde.MAX_RECIPES):
        client.answer(ord("I"), b"input_int_register_1")
    with pytest.raises(CLIENT_ERRORS, match="255 recipes"):
        client.answer(ord("I"), b"input_int_register_1")


def test_a_program_without_an_end_is_refused_before_it_fills_the_memory() -> None:
    stream = ProgramStream()
    half = "def main():\n" + "x" * (MAX_LENGTH // 2)
    assert list(stream.feed(half)) == []
    with pytest.raises(ScriptError, match="at most"):
        list(stream.feed(half))


@pytest.mark.parametrize(
    "request_", ["[" * 100_000, '{"do": "object", "opening": "x"}', '{"do": "gripper_fault", "number": 1e999}', "5"]
)
def test_invalid_requests_to_the_fault_port_are_answered(cell: ServedCell, request_: str) -> None:
    with socket.create_connection((cell.host, 30999), timeout=10.0) as client:
        client.sendall(request_[:60_000].encode() + b"\n")
        assert b"error" in client.makefile("rb").readline()
    assert cell.do("state")["robot_mode"] == "RUNNING"
