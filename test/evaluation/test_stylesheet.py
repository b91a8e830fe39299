"""The definitions say what the figures mean, with the numbers that hold."""

from __future__ import annotations

import pytest
from markup import texts

from impurity_grasp_ros.evaluation.stylesheet import CSS, DEFINITIONS

WORDS = texts(DEFINITIONS)


@pytest.mark.parametrize(
    ("term", "number"),
    [
        ("Completed", "within 15 actions a target (quick runs: 10)"),
        ("Found, actions to find", "10 % of a target"),
        ("Small print", "95 % interval"),
        ("Counted as in the paper", "completed runs only"),
    ],
)
def test_a_term_is_explained_with_its_numbers(term: str, number: str) -> None:
    assert number in WORDS[WORDS.index(term) + 1]


def test_every_term_has_one_meaning() -> None:
    assert WORDS[0] == "What the figures mean"
    assert len(WORDS) == 1 + 2 * 12
    assert len(set(WORDS)) == len(WORDS)


def test_the_looks_come_with_the_page() -> None:
    assert CSS.startswith("<style>")
    assert CSS.endswith("</style>")
    assert "url(" not in CSS
    assert "@import" not in CSS
