"""What a reader sees of a piece of markup."""

from __future__ import annotations

from html.parser import HTMLParser


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.pieces: list[str] = []

    def handle_data(self, data: str) -> None:
        if data.strip():
            self.pieces.append(data.strip().replace("\N{EN DASH}", "-"))


def texts(markup: str) -> list[str]:
    """The pieces of text in HTML or SVG in their order, tooltips included, dashes as hyphens."""
    reader = _Reader()
    reader.feed(markup)
    return reader.pieces


def rows(table: str) -> list[list[str]]:
    """The texts of each row of an HTML table."""
    return [texts("<tr" + row) for row in table.split("<tr")[1:]]
