"""The pages for readers: their links lead somewhere, and the code that they quote is in the files that they name."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").glob("*.md"))]


def file_links(page: Path) -> list[str]:
    """Relative targets of the links and images of a page, without anchors."""
    return [link for link in re.findall(r"\]\(([^)#]+)", page.read_text(encoding="utf-8")) if "://" not in link]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    assert not [link for link in file_links(page) if not (page.parent / link).exists()]


def test_the_lines_that_judge_a_grasp_are_in_the_files_that_the_page_links_to() -> None:
    page = ROOT / "docs/success.md"
    (quoted,) = re.findall(r"```python\n(.*?)```", page.read_text(encoding="utf-8"), re.DOTALL)
    sources = "\n".join((page.parent / link).read_text(encoding="utf-8") for link in file_links(page))
    lines = [line.partition("  #")[0] for line in quoted.splitlines()]
    assert len(lines) == 3
    assert not [line for line in lines if line not in sources]
