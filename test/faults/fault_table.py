"""The table of faults: a row for every test that carries the mark :func:`fault`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

HEADER = """# Faults and how they end

Written by the suite that brings each of them about (nodes in processes of their own, unmodified client libraries, an
emulated controller):

```bash
bash scripts/test.sh test/faults --fault-table docs/faults.md
```

Every row has passed: the answer carries the code and says why, the joints read again two seconds later have not moved,
and the next goal works once the last column is done. Codes are those of `msg/ErrorCode.msg`, outcomes those of
`msg/Attempt.msg`.

| | what happens | answer | what it says | what to do |
|---|---|---|---|---|
"""


def fault(what: str, todo: str) -> pytest.MarkDecorator:
    """Mark a test as a row of the table. what: happens. todo: by the operator, for the next goal to work."""
    return pytest.mark.fault(what, todo)


@dataclass
class Verdict:
    """What the system answered. code: name of the error code or outcome."""

    code: str = ""
    message: str = ""

    def expect(self, found: str, expected: str, message: str) -> None:
        """Note an answer; it must be the expected one and say why."""
        assert found == expected, f"{found}: {message}"
        assert message
        self.code, self.message = found, message


@dataclass(frozen=True, order=True)
class Row:
    """One line of the table. place: of the test in the suite."""

    place: tuple[str, int, str]
    what: str
    code: str
    message: str
    todo: str


def to_markdown(rows: Sequence[Row]) -> str:
    """The page ``docs/faults.md``."""
    lines = [
        f"| {number} | {row.what} | `{row.code}` | {row.message} | {row.todo} |"
        for number, row in enumerate(sorted(rows), 1)
    ]
    return HEADER + "\n".join(lines) + "\n"
