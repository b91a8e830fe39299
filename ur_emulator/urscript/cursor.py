"""A place in a sequence of tokens."""

from __future__ import annotations

from ur_emulator.urscript.errors import ScriptError
from ur_emulator.urscript.tokens import Token


class Cursor:
    """Takes tokens one by one; raises ScriptError when another one was expected."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._place = 0

    def peek(self, ahead: int = 0) -> Token:
        """The token that many places ahead, or the last."""
        return self._tokens[min(self._place + ahead, len(self._tokens) - 1)]

    def text(self, ahead: int = 0) -> str:
        """Its text; empty for a string, which is no word of the language."""
        token = self.peek(ahead)
        return "" if token.kind == "string" else token.text

    def take(self, wanted: str | None = None) -> str:
        """The text of the next token, which is then behind."""
        token = self.peek()
        if token.kind == "end" or (wanted is not None and token.text != wanted):
            raise self.unexpected(repr(wanted) if wanted else "more")
        self._place += 1
        return token.text

    def taken(self, text: str) -> bool:
        """Take the next token if it is this one."""
        found = self.text() == text
        self._place += found
        return found

    def name(self) -> str:
        """Take a name."""
        if self.peek().kind != "name":
            raise self.unexpected("a name")
        return self.take()

    def unexpected(self, wanted: str) -> ScriptError:
        """The error that the next token is not what was wanted."""
        token = self.peek()
        return ScriptError(f"line {token.line}: expected {wanted}, received {token.text or 'the end'!r}")
