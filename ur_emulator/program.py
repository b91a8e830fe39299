"""Runs URScript programs: one main program with its threads, and secondary programs beside it."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Generator
from typing import Any

from ur_emulator.errors import ScriptError
from ur_emulator.poses import Pose
from ur_emulator.urscript.expressions import Library
from ur_emulator.urscript.translator import translate

Execution = Generator[None, None, Any]
"""A running program or thread; it yields once per control cycle."""

LOAD_TIME = 0.08
"""Seconds from the arrival of a program to its first control cycle."""

MAX_ITERATIONS = 5000
"""Loop iterations in one control cycle after which a program is stopped, as on a real controller."""

FAILURES = (
    ScriptError, ArithmeticError, AttributeError, LookupError, MemoryError, NameError, RecursionError, TypeError,
    ValueError,
)  # fmt: skip
"""Exceptions that mistakes in a program raise when it runs."""


class _HaltError(Exception):
    """The program called ``halt``."""


def library_of(builtins: object) -> Library:
    """Functions that an object offers to scripts: its public methods. Generators are those that take time."""
    methods = {name: method for name, method in inspect.getmembers(builtins, inspect.ismethod) if name[0] != "_"}
    blocking = {name for name, method in methods.items() if inspect.isgeneratorfunction(method)}
    return Library(frozenset(methods) - blocking, frozenset(blocking))


class Runtime:
    """Object ``rt`` of a translated program: its threads, and the built-in functions of the controller."""

    def __init__(self, builtins: object) -> None:
        self._builtins = builtins
        self._threads: dict[int, Execution] = {}
        self._last_handle = 0
        self._iterations = 0

    def __getattr__(self, name: str) -> Any:
        return getattr(self._builtins, name)

    def run(self, thread: Execution) -> int:
        """Start a thread and return its handle."""
        self._last_handle += 1
        self._threads[self._last_handle] = thread
        return self._last_handle

    def kill(self, handle: int) -> None:
        """End a thread if it is still running."""
        thread = self._threads.pop(int(handle), None)
        if thread is not None:
            thread.close()

    def halt(self) -> None:
        """End the program."""
        raise _HaltError

    def count_loop(self) -> None:
        """Count a loop iteration.

        Raises:
            ScriptError: The program loops without waiting for the next control cycle.
        """
        self._iterations += 1
        if self._iterations > MAX_ITERATIONS:
            raise ScriptError(f"expected a loop that waits, {MAX_ITERATIONS} iterations passed within a control cycle")

    def cycle(self) -> None:
        """Run every thread until it waits for the next control cycle."""
        self._iterations = 0
        for handle, thread in list(self._threads.items()):
            if handle in self._threads and not _advance(thread):
                self._threads.pop(handle, None)


class ProgramRunner:
    """Loads and runs the programs of a controller.

    Args:
        builtins: Object whose public methods are the built-in functions.
        log: Called with a line about everything that happens to a program.

    Attributes:
        name: Name of the main program that was loaded last.
    """

    def __init__(self, builtins: object, log: Callable[[str], None]) -> None:
        self._builtins = builtins
        self._library = library_of(builtins)
        self._log = log
        self._runtime: Runtime | None = None
        self._main: Execution | None = None
        self._secondary: list[Execution] = []
        self._due: float | None = None
        self.name = ""

    @property
    def is_loaded(self) -> bool:
        """Whether there is a main program that runs or is about to start."""
        return self._main is not None

    def load(self, source: str, now: float, *, allowed: bool) -> None:
        """Load a program: replace the main program, or add a secondary one.

        Args:
            source: URScript.
            now: Time in seconds.
            allowed: Whether a main program may run; otherwise it is only checked.

        Raises:
            ScriptError: The text is not a program.
        """
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

    def take_start(self, now: float) -> bool:
        """Whether the loaded program starts in this control cycle; true once per program."""
        starts = self._due is not None and now >= self._due
        if starts:
            self._due = None
        return starts

    def cycle(self, *, playing: bool) -> None:
        """Run secondary programs, and the main program if ``playing``, for one control cycle."""
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


def _advance(program: Execution) -> bool:
    """Run a program until it waits for the next control cycle; False when it has ended."""
    return next(program, _ENDED) is not _ENDED


_ENDED = object()


def _copied(value: Any) -> Any:
    """Copy lists, which URScript assigns by value."""
    return type(value)(value) if isinstance(value, list) else value
