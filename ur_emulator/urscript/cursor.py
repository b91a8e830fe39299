"""A position in a sequence of tokens."""

from __future__ import annotations

from ur_emulator.errors import ScriptError
from ur_emulator.urscript.tokens import Token


class Cursor:
    """Reads tokens one by one. Methods that read raise ScriptError when another token was expected."""

    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._position = 0

    def peek(self, ahead: int = 0) -> Token:
        """Return the token ``ahead`` positions further, or the last one, without reading it."""
        return self._tokens[min(self._position + ahead, len(self._tokens) - 1)]

    def text(self, ahead: int = 0) -> str:
        """Text of the token that :meth:`peek` returns; empty for a string literal, which is no keyword."""
        token = self.peek(ahead)
        return "" if token.kind == "string" else token.text

    def take(self, wanted: str | None = None) -> str:
        """Read the next token and return its text.

        Args:
            wanted: The text that is expected; None for any.

        Raises:
            ScriptError: The next token has another text, or there is none.
        """
        token = self.peek()
        if token.kind == "end" or (wanted is not None and token.text != wanted):
            raise self.unexpected(repr(wanted) if wanted else "more")
        self._position += 1
        return token.text

    def taken(self, text: str) -> bool:
        """Read the next token if it has this text; returns whether it has."""
        found = self.text() == text
        self._position += found
        return found

    def name(self) -> str:
        """Read a name and return it.

        Raises:
            ScriptError: The next token is not a name.
        """
        if self.peek().kind != "name":
            raise self.unexpected("a name")
        return self.take()

    def unexpected(self, wanted: str) -> ScriptError:
        """Build the error for a next token that is not what was expected."""
        token = self.peek()
        return ScriptError(f"line {token.line}: expected {wanted}, received {token.text or 'the end'!r}")
