"""A few SVG elements as strings: enough for charts that stand in a page without any other file. Lengths in pixels."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape


def svg(width: float, height: float, elements: Sequence[str], label: str) -> str:
    """A drawing that shrinks with the page; ``label`` says to screen readers what it shows."""
    head = f'<svg viewBox="0 0 {width:g} {height:g}" width="{width:g}" role="img" aria-label="{escape(label)}">'
    return "\n".join([head, *elements, "</svg>"])


def text(x: float, y: float, content: str, css_class: str = "", anchor: str = "start") -> str:
    """Text with its baseline at y; ``anchor``: start, middle or end."""
    return f'<text x="{x:.1f}" y="{y:.1f}" class="{css_class}" text-anchor="{anchor}">{escape(content)}</text>'


def line(x1: float, y1: float, x2: float, y2: float, css_class: str) -> str:
    """A straight line."""
    return f'<line x1="{x1:.1f}" y1="{y1:.1f}" x2="{x2:.1f}" y2="{y2:.1f}" class="{css_class}"/>'


def bar(x: float, y: float, width: float, height: float, css_class: str, tooltip: str) -> str:
    """A rectangle from its upper left corner; browsers show the tooltip on hovering."""
    box = f'x="{x:.1f}" y="{y:.1f}" width="{max(width, 0.0):.1f}" height="{height:.1f}"'
    return f'<rect {box} class="{css_class}"><title>{escape(tooltip)}</title></rect>'


def diamond(x: float, y: float, radius: float, css_class: str, tooltip: str) -> str:
    """A small square on its corner, around (x, y)."""
    corners = [(x, y - radius), (x + radius, y), (x, y + radius), (x - radius, y)]
    points = " ".join(f"{cx:.1f},{cy:.1f}" for cx, cy in corners)
    return f'<polygon points="{points}" class="{css_class}"><title>{escape(tooltip)}</title></polygon>'


def dot(x: float, y: float, radius: float, css_class: str) -> str:
    """A filled circle."""
    return f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:g}" class="{css_class}"/>'


def path(points: Sequence[tuple[float, float]], css_class: str) -> str:
    """A line through points; nothing without any."""
    if not points:
        return ""
    steps = " L".join(f"{x:.1f} {y:.1f}" for x, y in points)
    return f'<path d="M{steps}" class="{css_class}"/>'
