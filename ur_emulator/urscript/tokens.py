"""URScript as a sequence of tokens, and a stream of text as a sequence of programs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

from ur_emulator.urscript.errors import ScriptError

PATTERN = re.compile(
    r"""(?P<space>[ \t\r\n]+|\#[^\n]*)
      | (?P<number>\d+\.?\d*(?:[eE][-+]?\d+)?|\.\d+(?:[eE][-+]?\d+)?)
      | (?P<string>"[^"\n]*")
      | (?P<name>[A-Za-z_]\w*)
      | (?P<operator>==|!=|<=|>=|[-+*/%<>=()\[\],:.])""",
    re.VERBOSE,
)
OPENING = {"def", "sec", "thread", "if", "while"}
"""Words that begin what an ``end`` ends."""

MAX_LENGTH = 1_000_000
"""Characters of a program, at most."""

FIRST_WORD = re.compile(r"\s*(\w+)")


class Token(NamedTuple):
    """A piece of a program. kind: number, string, name, operator, or end after the last one."""

    kind: str
    text: str
    line: int


def tokenize(source: str) -> list[Token]:
    """The tokens of a program, without spaces and comments; raises ScriptError. Line breaks mean nothing."""
    tokens, place, line = [], 0, 1
    while place < len(source):
        match = PATTERN.match(source, place)
        if match is None:
            raise ScriptError(f"line {line}: expected URScript, received {source[place : place + 20]!r}")
        if match.lastgroup != "space":
            tokens.append(Token(str(match.lastgroup), match.group(), line))
        line += match.group().count("\n")
        place = match.end()
    return [*tokens, Token("end", "", line)]


class ProgramStream:
    """Cuts what arrives on a socket into whole programs: a block up to its ``end``, or a single line."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._rest = ""
        self._depth = 0
        self._length = 0

    def feed(self, text: str) -> Iterator[str]:
        """Take in text; gives the programs that are complete now. Raises ScriptError for one without an end."""
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
