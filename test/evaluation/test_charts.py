"""Charts that share one page: the same bytes for the same data, colors and ids that do not collide, texts as given."""

from __future__ import annotations

import subprocess
import sys
from xml.etree import ElementTree

import matplotlib
import pytest
from markup import texts
from matplotlib.axes import Axes

from impurity_grasp_ros.evaluation.charts import MEASURED, PALETTE, chart, label, set_tooltip

MESSAGE = 'Success, percent: "ours" 50 < 60'


def paint(axes: Axes) -> None:
    axes.set_title(label("a <b> & $x^2$"))
    (line,) = axes.plot([0, 1, 2], [1, 3, 2], ".", color=MEASURED)
    set_tooltip(line, "ours & theirs\x01")


CHART = chart(MESSAGE, 200.0, paint)


def test_the_same_data_give_the_same_bytes() -> None:
    assert chart(MESSAGE, 200.0, paint) == CHART


def test_neither_settings_of_the_user_nor_of_the_process_matter_or_change() -> None:
    with matplotlib.rc_context({"font.size": 30, "svg.fonttype": "path", "lines.markersize": 1}):
        matplotlib.get_backend()  # is settled when first asked for
        before = matplotlib.rcParams.copy()
        assert chart(MESSAGE, 200.0, paint) == CHART
        assert matplotlib.rcParams == before


def test_a_chart_says_what_it_shows_and_scales_with_the_page() -> None:
    root = ElementTree.fromstring(CHART)
    assert root.attrib["role"] == "img"
    assert root.attrib["aria-label"] == MESSAGE
    assert root.attrib["viewBox"] == "0 0 350 200"
    assert not {"width", "height"} & set(root.attrib)


def test_texts_are_drawn_literally_and_tooltips_are_kept() -> None:
    words = texts(CHART)
    assert "a <b> & $x^2$" in words
    assert "ours & theirs\N{REPLACEMENT CHARACTER}" in words


def test_colors_are_variables_of_the_page() -> None:
    assert "var(--measured)" in CHART
    assert not [light for light, _ in PALETTE.values() if light in CHART]
    assert not [dark for _, dark in PALETTE.values() if dark in CHART]


def test_nothing_of_a_chart_reaches_beyond_it() -> None:
    other = chart("Something else", 200.0, paint)
    first, second = ({item.attrib["id"] for item in ElementTree.fromstring(page).iter() if "id" in item.attrib}
                     for page in (CHART, other))  # fmt: skip
    assert first
    assert second
    assert not first & second
    assert "<style" not in CHART
    assert "<metadata" not in CHART
    assert "matplotlib" not in CHART.lower()


@pytest.mark.parametrize(
    ("text", "drawn"),
    [
        ("ours", "ours"),
        ("x" * 24, "x" * 24),
        ("x" * 25, "x" * 23 + "…"),
        ("two\nlines\t\x00", "two\ufffdlines\ufffd\ufffd"),
        ("$5", r"\$5"),
    ],
)
def test_a_label_is_one_short_line(text: str, drawn: str) -> None:
    assert label(text) == drawn


def test_pyplot_stays_out() -> None:
    code = "import sys, impurity_grasp_ros.evaluation.report; sys.exit('matplotlib.pyplot' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], timeout=120).returncode == 0
