"""The table of faults: a row for every test that carries the mark :func:`fault`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import pytest

HEADER = """# Faults and how they end

Written by the test suite that causes every fault (separate node processes, unmodified client libraries, emulated
controller):

```bash
bash scripts/test.sh test/faults --fault-table docs/faults.md
```

Every row is a test that has passed: the answer has the code and gives a reason, the joints have not moved two seconds
later, and the next goal works once the instruction in the last column has been followed. Codes are those of
`msg/ErrorCode.msg`, outcomes those of `msg/Attempt.msg`.

| | what happens | answer | what it says | what to do |
|---|---|---|---|---|
"""


def fault(what: str, todo: str) -> pytest.MarkDecorator:
    """Mark a test as a row of the table.

    Args:
        what: What happens.
        todo: What the operator has to do for the next goal to work.
    """
    return pytest.mark.fault(what, todo)


@dataclass
class Verdict:
    """The answer of the system.

    Attributes:
        code: Name of the error code or outcome.
        message: The reason that it gives.
    """

    code: str = ""
    message: str = ""

    def expect(self, found: str, expected: str, message: str) -> None:
        """Store an answer after checking that it is the expected one and gives a reason."""
        assert found == expected, f"{found}: {message}"
        assert message
        self.code, self.message = found, message


@dataclass(frozen=True, order=True)
class Row:
    """One line of the table.

    Attributes:
        place: File, line and name of the test; they determine the order.
        what: What happens.
        code: Name of the error code or outcome.
        message: The reason that the system gives.
        todo: What the operator has to do.
    """

    place: tuple[str, int, str]
    what: str
    code: str
    message: str
    todo: str


def to_markdown(rows: Sequence[Row]) -> str:
    """Return the page ``docs/faults.md``."""
    lines = [
        f"| {number} | {row.what} | `{row.code}` | {row.message} | {row.todo} |"
        for number, row in enumerate(sorted(rows), 1)
    ]
    return HEADER + "\n".join(lines) + "\n"
