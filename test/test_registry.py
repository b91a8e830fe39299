"""Built-in names come first, entry points of other packages are found by name, and errors list the known names."""

from __future__ import annotations

from pathlib import Path

import pytest

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.registry import Registry

GROUP = "impurity_grasp.test"
OURS = {"one": 1, "two": 2}


@pytest.fixture
def registry(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Registry[int]:
    """A registry beside entry points that work, cannot be imported, and repeat a built-in name."""
    info = tmp_path / "others-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: others\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(
        f"[{GROUP}]\nthree = others_of_test:THREE\ngone = nowhere:X\none = nowhere:Y\n"
    )
    (tmp_path / "others_of_test.py").write_text("THREE = 3\n")
    monkeypatch.syspath_prepend(tmp_path)
    return Registry("thing", GROUP, OURS)


def test_built_in_names_come_before_those_of_other_packages(registry: Registry[int]) -> None:
    assert registry.names() == ("one", "two", "gone", "three")


def test_things_are_found_by_name(registry: Registry[int]) -> None:
    assert [registry.find(name) for name in ("one", "two", "three")] == [1, 2, 3]


def test_an_unknown_name_is_refused_with_the_known_ones(registry: Registry[int]) -> None:
    with pytest.raises(ConfigError, match=r"^thing: expected one of one, two, gone, three, received 'four'$"):
        registry.find("four")
    with pytest.raises(ConfigError, match="received 'four'"):
        registry.check("four")


def test_a_package_that_cannot_be_imported_is_named(registry: Registry[int]) -> None:
    registry.check("gone")
    with pytest.raises(
        ConfigError, match=r"^thing: expected 'gone' to be found in nowhere:X: No module named 'nowhere'$"
    ):
        registry.find("gone")
