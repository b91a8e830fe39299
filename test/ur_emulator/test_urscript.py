"""URScript programs behave as the script manual says."""

from collections.abc import Generator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ur_emulator.errors import ScriptError
from ur_emulator.program import LOAD_TIME, ProgramRunner
from ur_emulator.urscript.tokens import ProgramStream

LATE = 2 * LOAD_TIME


class Recorder:
    """Built-in functions that record what a program does."""

    def __init__(self) -> None:
        self._said: list[object] = []

    def say(self, value: object, suffix: str = "") -> None:
        self._said.append(f"{value}{suffix}" if suffix else value)

    def sync(self) -> Generator[None, None, None]:
        yield


def run(source: str, cycles: int = 20) -> tuple[list[object], list[str]]:
    """Values that a program says within some cycles, and the log."""
    recorder, log = Recorder(), list[str]()
    runner = ProgramRunner(recorder, log.append)
    runner.load(source, 0.0, allowed=True)
    assert runner.take_start(LATE)
    for _ in range(cycles):
        runner.cycle(playing=True)
    return recorder._said, log


def program(*lines: str) -> str:
    return "\n".join(["def main():", *lines, "end\n"])


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("1 + 2 * 3", 7),
        ("(1 + 2) * 3", 9),
        ("7 / 2", 3.5),
        ("-2 - -3", 1),
        ("10 - 3 - 2", 5),
        ("1.5e1 % 4", 3.0),
        ("1 < 2 and not 2 <= 1", True),
        ("True xor True", False),
        ("[1, 2.5, -3][2]", -3),
        ("p[0.1, 0, 0, 0, 0, 3][5]", 3),
        ('"end # not a comment"', "end # not a comment"),
    ],
)
def test_expressions_have_the_usual_meaning(expression: str, value: object) -> None:
    assert run(program(f"say({expression})"))[0] == [value]


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(1, 9))
def test_arithmetic_is_that_of_numbers(a: int, b: int, c: int) -> None:
    said, _ = run(program(f"x = {a}", f"say((x + {b}) * {c} - x / {c})"))
    assert said == [pytest.approx((a + b) * c - a / c)]


def test_branches_loops_and_early_ends() -> None:
    said, log = run(
        program(
            "i = 0",
            "while True:",
            "  i = i + 1",
            "  if i == 1:",
            "    continue",
            "  elif i == 4:",
            "    break",
            "  else:",
            "    say(i)",
            "  end",
            "end",
            'say("done")',
        )
    )
    assert said == [2, 3, "done"]
    assert log == ["program main stopped: finished"]


def test_functions_return_take_defaults_and_keep_their_variables() -> None:
    said, _ = run(
        program(
            "global shared = 1",
            "x = 5",
            "def twice(value, offset = 1):",
            "  x = value * 2 + offset",
            "  shared = shared + 1",
            "  return x",
            "end",
            "say(twice(3))",
            "say(twice(3, offset = 0))",
            "say(x)",
            "say(shared)",
        )
    )
    assert said == [7, 6, 5, 3]


def test_lists_are_values() -> None:
    said, _ = run(program("a = [1, 2]", "b = a", "b[0] = 9", "say(a[0])", "say(b[0])"))
    assert said == [1, 9]


def test_threads_take_turns_and_can_be_killed() -> None:
    said, _ = run(
        program(
            "thread count():",
            "  i = 0",
            "  while True:",
            "    i = i + 1",
            "    say(i)",
            "    sync()",
            "  end",
            "end",
            "handle = run count()",
            "sync()",
            "sync()",
            "kill handle",
            "sync()",
            'say("end")',
        )
    )
    assert said == [1, 2, "end"]


def test_halt_ends_the_program_at_once() -> None:
    said, log = run(program("say(1)", "halt", "say(2)"))
    assert (said, log) == ([1], ["program main stopped: halted"])


def test_a_loop_that_never_waits_is_stopped() -> None:
    _, log = run(program("while True:", "  x = 1", "end"))
    assert "expected a loop that waits" in log[0]


@pytest.mark.parametrize(
    "source",
    [
        program("fly(1)"),
        program("x = "),
        program("x = 3 $ 4"),
        "def main():\n  say(1)\n",
        program("run nothing()"),
        program("if True:", "say(1)"),
    ],
)
def test_an_invalid_program_is_refused(source: str) -> None:
    with pytest.raises(ScriptError, match="expected"):
        run(source)


@pytest.mark.parametrize("line", ["say([1][4])", "say(1 / 0)", "say(unknown)", "say(1, 2, 3)"])
def test_an_error_at_run_time_ends_the_program_and_is_logged(line: str) -> None:
    said, log = run(program(line, "say(1)"))
    assert said == []
    assert log[0].startswith("program main stopped: runtime error")


def test_a_secondary_program_runs_beside_the_main_one() -> None:
    recorder, log = Recorder(), list[str]()
    runner = ProgramRunner(recorder, log.append)
    runner.load(program("while True:", "  sync()", "end"), 0.0, allowed=True)
    runner.load("sec extra():\n  say(1)\nend\n", 0.0, allowed=True)
    runner.cycle(playing=True)
    assert recorder._said == [1]
    assert runner.is_loaded


@given(st.integers(1, 40))
def test_programs_are_found_in_a_stream_in_chunks_of_any_size(size: int) -> None:
    first = program("# a comment: end", "if True:", "  say(1)", "end")
    text = f"\n{first}say(2)\n\n{first}"
    stream, found = ProgramStream(), list[str]()
    for start in range(0, len(text), size):
        found += stream.feed(text[start : start + size])
    assert found == [first, "say(2)\n", first]
