"""Translates expressions of URScript to Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Set
from dataclasses import dataclass

from ur_emulator.errors import ScriptError
from ur_emulator.urscript.cursor import Cursor
from ur_emulator.urscript.tokens import Token

COMPARISONS = {"==", "!=", "<", ">", "<=", ">="}


@dataclass(frozen=True)
class Library:
    """Names of the built-in functions.

    Attributes:
        immediate: Functions that return at once.
        blocking: Functions that take control cycles, which are generators.
    """

    immediate: Set[str]
    blocking: Set[str]


class Expressions(Cursor):
    """Recursive descent parser for expressions, from weakly to strongly binding operators.

    Args:
        tokens: The whole program.
        library: The built-in functions.
        functions: Names of functions and threads that the program defines.
    """

    def __init__(self, tokens: list[Token], library: Library, functions: Set[str]) -> None:
        super().__init__(tokens)
        self._library = library
        self._functions = functions

    def expression(self) -> str:
        """Translate an expression.

        Raises:
            ScriptError: The next tokens are not an expression.
        """
        left = self._negation()
        while self.text() in ("and", "or", "xor"):
            word = self.take()
            left = f"({left} {'!=' if word == 'xor' else word} {self._negation()})"
        return left

    def _negation(self) -> str:
        return f"(not {self._negation()})" if self.taken("not") else self._comparison()

    def _comparison(self) -> str:
        return self._chain(
            COMPARISONS, lambda: self._chain({"+", "-"}, lambda: self._chain({"*", "/", "%"}, self._sign))
        )

    def _chain(self, operators: Set[str], operand: Callable[[], str]) -> str:
        left = operand()
        while self.peek().kind == "operator" and self.text() in operators:
            left = f"({left} {self.take()} {operand()})"
        return left

    def _sign(self) -> str:
        return f"(-{self._sign()})" if self.taken("-") else self.postfix()

    def postfix(self) -> str:
        """Translate a value with its indices, such as ``a[0]``: what may stand left of an assignment.

        Raises:
            ScriptError: The next tokens are not a value.
        """
        value = self._primary()
        while self.taken("["):
            value = f"{value}[int({self.expression()})]"
            self.take("]")
        return value

    def _primary(self) -> str:
        token = self.peek()
        if token.kind == "number":
            return repr(float(self.take())) if re.search(r"[.eE]", token.text) else str(int(self.take()))
        if token.kind == "string":
            return repr(self.take()[1:-1])
        if self.taken("("):
            inner = self.expression()
            self.take(")")
            return f"({inner})"
        if token.text == "[":
            return f"[{', '.join(self._list())}]"
        if token.text in ("True", "False"):
            return self.take()
        if token.text == "run":
            return self._run()
        if token.text == "p" and self.text(1) == "[":
            return self._pose()
        name = self.name()
        return self._call(name) if self.text() == "(" else f"v_{name}"

    def _run(self) -> str:
        self.take()
        name = self.name()
        if name not in self._functions:
            raise ScriptError(f"expected a thread of this program, received {name!r}")
        return f"rt.run(f_{name}({', '.join(self._arguments('v_'))}))"

    def _pose(self) -> str:
        self.take()
        values = self._list()
        return f"v_p[int({values[0]})]" if len(values) == 1 else f"Pose([{', '.join(values)}])"

    def _list(self) -> list[str]:
        self.take("[")
        values: list[str] = []
        while not self.taken("]"):
            values.append(self.expression())
            self.taken(",")
        return values

    def _arguments(self, prefix: str) -> list[str]:
        self.take("(")
        values: list[str] = []
        while not self.taken(")"):
            keyword = ""
            if self.peek().kind == "name" and self.text(1) == "=":
                keyword = f"{prefix}{self.take()}{self.take('=')}"
            values.append(keyword + self.expression())
            self.taken(",")
        return values

    def _call(self, name: str) -> str:
        line = self.peek().line
        arguments = ", ".join(self._arguments("v_" if name in self._functions else ""))
        if name in self._functions:
            return f"(yield from f_{name}({arguments}))"
        if name in self._library.blocking:
            return f"(yield from rt.{name}({arguments}))"
        if name in self._library.immediate:
            return f"rt.{name}({arguments})"
        raise ScriptError(f"line {line}: expected a known function, received {name!r}")
