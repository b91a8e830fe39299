"""Translates URScript to Python: every function becomes a generator that yields once per control cycle it waits.

Variables become ``v_<name>`` and functions ``f_<name>``, so that no name of a script can refer to anything in Python. A
variable that is assigned in a function is local, unless any part of the program declares it global.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

from ur_emulator.urscript.expressions import Expressions, Library
from ur_emulator.urscript.tokens import Token, tokenize

IGNORED = {"enter_critical", "exit_critical", "pass"}
"""Statements without effect: threads only take turns where they wait, so that no critical section can be disturbed."""

Lines = list[str]


@dataclass(frozen=True)
class Translation:
    """A translated program.

    Attributes:
        text: Python code that defines the functions.
        main: Name of the function to run.
        secondary: Whether it is a secondary program (``sec``).
    """

    text: str
    main: str
    secondary: bool


def translate(source: str, library: Library) -> Translation:
    """Translate a program, or a single statement.

    Args:
        source: URScript.
        library: The built-in functions.

    Raises:
        ScriptError: The text is not a program.
    """
    tokens = tokenize(source)
    if tokens[0].text not in ("def", "sec"):
        tokens = [*tokenize("def statement():"), *tokens[:-1], *tokenize("end")]
        tokens = [token for token in tokens[:-1] if token.kind != "end"] + tokens[-1:]
    return _Translator(tokens, library).program()


@dataclass
class _Function:
    name: str
    parameters: list[str]
    assigned: set[str] = field(default_factory=set)


class _Translator(Expressions):
    """Translates statements to lines of Python and collects the functions among them."""

    def __init__(self, tokens: list[Token], library: Library) -> None:
        following = list(pairwise(tokens))
        self._globals = {second.text for first, second in following if first.text == "global"}
        functions = {second.text for first, second in following if first.text in ("def", "sec", "thread")}
        super().__init__(tokens, library, functions)
        self._function = _Function("", [])
        self._definitions: Lines = []
        self._statements: dict[str, Callable[[], Lines]] = {
            "def": self._definition,
            "sec": self._definition,
            "thread": self._definition,
            "while": self._while,
            "if": self._if,
            "return": self._return,
            "kill": self._kill,
            "break": self._keyword,
            "continue": self._keyword,
            "halt": self._halt,
        }

    def program(self) -> Translation:
        secondary = self.text() == "sec"
        self._definition()
        if self.peek().kind != "end":
            raise self.unexpected("the end of the program")
        return Translation("\n".join(self._definitions) + "\n", f"f_{self._function.name}", secondary)

    def _block(self, *ends: str) -> Lines:
        lines: Lines = []
        while self.text() not in (ends or ("end",)):
            lines += self._statement()
        return [f"    {line}" for line in lines or ["pass"]]

    def _statement(self) -> Lines:
        word = self.text()
        if word in IGNORED:
            self.take()
            return []
        if word in self._statements:
            return self._statements[word]()
        if word in ("global", "local"):
            self.take()
        if self.peek().kind == "name" and self.text(1) == "=":
            name = self.take()
            self.take("=")
            self._function.assigned.add(name)
            return [f"v_{name} = copied({self.expression()})"]
        left = self.postfix()
        if self.taken("="):
            return [f"{left} = copied({self.expression()})"]
        return [left]

    def _definition(self) -> Lines:
        self.take()
        outer, self._function = self._function, _Function(self.name(), [])
        parameters = self._parameters()
        self.take(":")
        body = self._block()
        self.take("end")
        inner = self._function
        shared = sorted((inner.assigned & self._globals) - set(inner.parameters))
        head = [f"def f_{inner.name}({', '.join(parameters)}):"]
        head += [f"    global {', '.join(f'v_{name}' for name in shared)}"] if shared else []
        self._definitions += [*head, "    if False:", "        yield", *body]
        self._function = outer if outer.name else inner
        return []

    def _parameters(self) -> Lines:
        self.take("(")
        found: Lines = []
        while not self.taken(")"):
            name = self.name()
            self._function.parameters.append(name)
            found.append(f"v_{name}={self.expression()}" if self.taken("=") else f"v_{name}")
            self.taken(",")
        return found

    def _while(self) -> Lines:
        self.take()
        condition = self.expression()
        self.take(":")
        body = self._block()
        self.take("end")
        return [f"while {condition}:", "    rt.count_loop()", *body]

    def _if(self) -> Lines:
        lines: Lines = []
        word = "if"
        while word != "end":
            self.take()
            condition = "" if word == "else" else f" {self.expression()}"
            self.take(":")
            lines += [f"{word}{condition}:", *self._block("elif", "else", "end")]
            word = self.text()
        self.take("end")
        return lines

    def _return(self) -> Lines:
        self.take()
        return ["return"] if self.text() in ("end", "elif", "else") else [f"return {self.expression()}"]

    def _kill(self) -> Lines:
        self.take()
        return [f"rt.kill({self.expression()})"]

    def _keyword(self) -> Lines:
        return [self.take()]

    def _halt(self) -> Lines:
        self.take()
        return ["rt.halt()"]
