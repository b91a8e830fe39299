"""Runs URScript programs: one main program with its threads, and secondary ones beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any

from ur_emulator.poses import Pose
from ur_emulator.urscript.errors import ScriptError
from ur_emulator.urscript.expressions import Library
from ur_emulator.urscript.translator import translate

Running = Generator[None, None, Any]

LOAD_TIME = 0.08
"""Seconds from the arrival of a program to its first cycle."""

MAX_LOOPS = 5000
"""Turns of loops in one cycle after which a real controller, too, gives up on a program."""


FAILURES = (
    ScriptError, ArithmeticError, AttributeError, LookupError, MemoryError, NameError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""What a mistake in a program becomes when it runs."""


class _HaltError(Exception):
    """The program has stopped itself."""


def library_of(builtins: object) -> Library:
    """The functions that an object offers to scripts: its public methods."""
    methods = {name: method for name, method in inspect.getmembers(builtins, inspect.ismethod) if name[0] != "_"}
    blocking = {name for name, method in methods.items() if inspect.isgeneratorfunction(method)}
    return Library(frozenset(methods) - blocking, frozenset(blocking))


class Runtime:
    """What translated text calls ``rt``: the built-ins of a controller and the threads of one program."""

    def __init__(self, builtins: object) -> None:
        self._builtins = builtins
        self._threads: dict[int, Running] = {}
        self._started = 0
        self._loops = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builtins, name)

    def run(self, thread: Running) -> int:
        """Start a thread; returns its handle."""
        self._started += 1
        self._threads[self._started] = thread
        return self._started

    def kill(self, handle: int) -> None:
        """End a thread, if it still runs."""
        thread = self._threads.pop(int(handle), None)
        if thread is not None:
            thread.close()

    def halt(self) -> None:
        """End the program."""
        raise _HaltError

    def count_loop(self) -> None:
        """Refuse to loop forever within a cycle."""
        self._loops += 1
        if self._loops > MAX_LOOPS:
            raise ScriptError(f"expected a loop that waits, {MAX_LOOPS} turns passed within a control cycle")

    def cycle(self) -> None:
        """Let every thread run up to where it waits next."""
        self._loops = 0
        for handle, thread in list(self._threads.items()):
            if handle in self._threads and not _advance(thread):
                self._threads.pop(handle, None)


class ProgramRunner:
    """The program on a controller. log: takes a line about what happened to it."""

    def __init__(self, builtins: object, log: Callable[[str], None]) -> None:
        self._builtins = builtins
        self._library = library_of(builtins)
        self._log = log
        self._runtime: Runtime | None = None
        self._main: Running | None = None
        self._secondary: list[Running] = []
        self._due: float | None = None
        self.name = ""

    @property
    def is_loaded(self) -> bool:
        """Whether there is a main program, running or about to."""
        return self._main is not None

    def load(self, source: str, now: float, *, allowed: bool) -> None:
        """Replace the program, or add a secondary one; ``allowed``: main programs may run. Raises ScriptError."""
        runtime = Runtime(self._builtins)
        names: dict[str, Any] = {"rt": runtime, "Pose": Pose, "copied": _copied}
        try:
            translation = translate(source, self._library)
            exec(compile(translation.text, "<urscript>", "exec"), names)
            program = names[translation.main]()
        except ScriptError:
            raise
        except (SyntaxError, *FAILURES) as error:
            raise ScriptError(f"expected a program that can be run: {type(error).__name__}: {error}") from error
        if translation.secondary:
            self._secondary.append(program)
        elif allowed:
            self.stop("replaced")
            self._runtime, self._main, self._due = runtime, program, now + LOAD_TIME
            self.name = translation.main.removeprefix("f_")

    def stop(self, reason: str) -> None:
        """End the main program."""
        if self._main is not None:
            self._log(f"program {self.name} stopped: {reason}")
            self._main.close()
        self._main = self._runtime = self._due = None

    def starts(self, now: float) -> bool:
        """Whether the program begins with this cycle."""
        begins = self._due is not None and now >= self._due
        if begins:
            self._due = None
        return begins

    def cycle(self, *, playing: bool) -> None:
        """One control cycle; the main program takes part only while ``playing``."""
        try:
            self._secondary = [program for program in self._secondary if _advance(program)]
        except FAILURES as error:
            self._secondary = []
            self._log(f"secondary program stopped: {error}")
        if not playing or self._main is None or self._runtime is None or self._due is not None:
            return
        try:
            self._runtime.cycle()
            if not _advance(self._main):
                self.stop("finished")
        except _HaltError:
            self.stop("halted")
        except FAILURES as error:
            self.stop(f"runtime error: {error}")


def _advance(program: Running) -> bool:
    """Run up to where a program waits next; False when it has ended."""
    return next(program, _ENDED) is not _ENDED


_ENDED = object()


def _copied(value: Any) -> Any:
    """Lists are values in URScript."""
    return type(value)(value) if isinstance(value, list) else value
