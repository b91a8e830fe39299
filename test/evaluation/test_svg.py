"""Drawings keep what they are given: texts are escaped, and lengths are not negative."""

from __future__ import annotations

from xml.etree import ElementTree

from markup import texts

from impurity_grasp_ros.evaluation import svg


def test_a_drawing_is_well_formed_and_shows_its_texts() -> None:
    elements = [
        svg.text(1.0, 2.0, "a < b", "panel", "end"),
        svg.line(0.0, 0.0, 5.0, 5.0, "grid"),
        svg.bar(1.0, 1.0, 20.0, 3.0, "own", "ours & theirs"),
        svg.diamond(5.0, 5.0, 2.0, "marker", "at 5"),
        svg.dot(3.0, 3.0, 1.0, "single"),
        svg.path([(0.0, 1.0), (2.0, 3.0)], "curve"),
    ]
    drawing = svg.svg(100.0, 50.0, elements, 'say "hello"')
    root = ElementTree.fromstring(drawing)
    assert root.attrib["viewBox"] == "0 0 100 50"
    assert root.attrib["aria-label"] == 'say "hello"'
    assert len(root) == 6
    assert texts(drawing) == ["a < b", "ours & theirs", "at 5"]


def test_a_bar_is_never_shorter_than_nothing() -> None:
    assert ElementTree.fromstring(svg.bar(0.0, 0.0, -3.0, 5.0, "own", "")).attrib["width"] == "0.0"
    assert ElementTree.fromstring(svg.bar(0.0, 0.0, 3.0, 5.0, "own", "")).attrib["width"] == "3.0"


def test_a_diamond_has_its_corners_around_its_middle() -> None:
    points = ElementTree.fromstring(svg.diamond(10.0, 20.0, 4.0, "marker", "")).attrib["points"]
    assert points == "10.0,16.0 14.0,20.0 10.0,24.0 6.0,20.0"


def test_a_line_through_no_points_is_nothing() -> None:
    assert svg.path([], "curve") == ""
