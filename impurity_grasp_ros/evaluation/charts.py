"""Charts as SVG elements of a web page, drawn by Matplotlib. The same data give the same bytes."""

from __future__ import annotations

import io
from collections.abc import Callable
from xml.dom import minidom

from matplotlib import style
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.figure import Figure

PALETTE = {
    "ink": ("#22282e", "#e6e9ec"),
    "soft": ("#59626b", "#a5aeb7"),
    "rule": ("#dfe3e7", "#3a4249"),
    "page": ("#ffffff", "#15191d"),
    "measured": ("#79b4d4", "#2f7ba6"),
    "published": ("#c2c9cf", "#5a636c"),
    "first": ("#0072b2", "#56b4e9"),
    "second": ("#d55e00", "#e69f00"),
    "good": ("#009e73", "#2fc79b"),
}
"""Colors on white and on dark paper by the name of their CSS variable; hues of Okabe and Ito (2008), which color-blind
readers tell apart. A chart is drawn in the light ones, which then become variables."""
INK, SOFT, RULE, PAGE, MEASURED, PUBLISHED_COLOR, FIRST, SECOND, _ = (light for light, _ in PALETTE.values())

WIDTH = 350.0
"""Width of a chart in pixels at full size: one fits a phone, three a desktop window."""
MAX_LABEL = 24

_STYLE = {
    "axes.axisbelow": True,
    "axes.edgecolor": SOFT,
    "axes.facecolor": "none",
    "axes.grid": True,
    "axes.spines.right": False,
    "axes.spines.top": False,
    "axes.titlesize": 13,
    "axes.titleweight": "bold",
    "figure.facecolor": "none",
    "font.family": "DejaVu Sans",  # ships with Matplotlib; lays out a chart, the page then shows its own font
    "font.size": 12,
    "grid.color": RULE,
    "savefig.facecolor": "none",
    "svg.fonttype": "none",
    "text.color": INK,
    "xtick.color": SOFT,
    "xtick.labelsize": 11,
    "xtick.major.size": 0,
    "ytick.color": SOFT,
    "ytick.labelsize": 11,
    "ytick.major.size": 0,
}
_TOOLTIP = "tooltip: "


def chart(message: str, height: float, paint: Callable[[Axes], None]) -> str:
    """Draw a chart.

    Args:
        message: What the chart shows, with its main figures, for readers who do not see it.
        height: Pixels at full size.
        paint: Draws into the axes.

    Returns:
        An ``svg`` element that takes its colors from the CSS variables of the page.
    """
    file = io.StringIO()
    with style.context(_STYLE | {"svg.hashsalt": message}, after_reset=True):
        figure = Figure(figsize=(WIDTH / 72, height / 72), layout="constrained")  # a point is a pixel at full size
        paint(figure.add_subplot())
        figure.savefig(file, format="svg", metadata=dict.fromkeys(("Creator", "Date", "Format", "Type")))
    return _inlined(file.getvalue(), message)


def set_tooltip(artist: Artist, text: str) -> None:
    """Give a part of a chart a text that browsers show when the pointer rests on it."""
    artist.set_gid(_TOOLTIP + _printable(text))


def label(text: str) -> str:
    """Text for a chart: at most MAX_LABEL characters on one line, drawn literally even if it looks like a formula."""
    short = text if len(text) <= MAX_LABEL else text[: MAX_LABEL - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return _printable(short).replace("$", r"\$")


def _printable(text: str) -> str:
    """The text without control characters, which XML does not allow."""
    return "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text)


def _inlined(file: str, message: str) -> str:
    """An SVG file as an element that shares a page with others: colors by name, no style sheet, no repeated ids."""
    document = minidom.parseString(file)
    root = document.documentElement
    assert root is not None  # of a document that was parsed
    for sheet in root.getElementsByTagName("style"):
        if (parent := sheet.parentNode) is not None:
            parent.removeChild(sheet)
    for element in root.getElementsByTagName("*"):
        if element.hasAttribute("style"):
            element.setAttribute("style", _with_variables(element.getAttribute("style")))
        if element.tagName == "g" and element.hasAttribute("id"):
            _name(document, element)
    for attribute in ("width", "height", "version"):
        root.removeAttribute(attribute)
    root.setAttribute("role", "img")
    root.setAttribute("aria-label", message)
    return root.toxml()


def _with_variables(css: str) -> str:
    for name, (light, _) in PALETTE.items():
        css = css.replace(light, f"var(--{name})")
    return css


def _name(document: minidom.Document, group: minidom.Element) -> None:
    """Turn the id of a group into a tooltip, if it is one, and remove it."""
    text = group.getAttribute("id")
    group.removeAttribute("id")
    if text.startswith(_TOOLTIP):
        title = document.createElement("title")
        title.appendChild(document.createTextNode(text.removeprefix(_TOOLTIP)))
        group.insertBefore(title, group.firstChild)
