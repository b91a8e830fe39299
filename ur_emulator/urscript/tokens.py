"""Splits URScript into tokens, and a stream of text into programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ur_emulator.errors import ScriptError

PATTERN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
      | (?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
      | (?P<string>"[^"\n]*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<operator>==|!=|<=|>=|[-+*/%<>=()\[\],:.])""",
    re.VERBOSE,
)
OPENING = {"def", "sec", "thread", "if", "while"}
"""Keywords of blocks, which ``end`` closes."""

MAX_LENGTH = 1_000_000
"""Largest number of characters in a program."""

FIRST_WORD = re.compile(r"\s*(\w+)")


class Token(NamedTuple):
    """A token.

    Attributes:
        kind: ``number``, ``string``, ``name`` or ``operator``; ``end`` after the last one.
        text: The characters in the program.
        line: Line number, from 1.
    """

    kind: str
    text: str
    line: int


def tokenize(source: str) -> list[Token]:
    """Split a program into tokens, without white space, line breaks and comments.

    Raises:
        ScriptError: A character does not belong to the language.
    """
    tokens, position, line = [], 0, 1
    while position < len(source):
        match = PATTERN.match(source, position)
        if match is None:
            raise ScriptError(f"line {line}: expected URScript, received {source[position : position + 20]!r}")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
        position = match.end()
    return [*tokens, Token("end", "", line)]


class ProgramStream:
    """Splits the text that arrives on a socket into programs: a block up to its ``end``, or a single line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rest = ""
        self._depth = 0
        self._length = 0

    def feed(self, text: str) -> Iterator[str]:
        """Add text.

        Args:
            text: The next characters from the socket, cut anywhere.

        Yields:
            Programs that are complete now.

        Raises:
            ScriptError: The present program is too long; its end may be missing.
        """
        *lines, self._rest = (self._rest + text).split("\n")
        self._length += len(text)
        if self._length > MAX_LENGTH:
            raise ScriptError(f"expected a program of at most {MAX_LENGTH} characters, received {self._length}")
        for line in lines:
            word = FIRST_WORD.match(line.split("#", 1)[0])
            if word is None and not self._depth:
                continue
            self._lines.append(line)
            self._depth += word is not None and word.group(1) in OPENING
            self._depth -= word is not None and word.group(1) == "end"
            if self._depth <= 0:
                yield "\n".join(self._lines) + "\n"
                self._lines.clear()
                self._depth, self._length = 0, len(self._rest)
