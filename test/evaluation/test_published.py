"""The paper's own figures, as its tables and text give them (percent)."""

from __future__ import annotations

import pytest

from impurity_grasp_ros.evaluation.published import PUBLISHED, action_efficiency, grasp_success

SCENES = ("random", "challenging", "invisible")

FIGURES = {
    # table I: grasp success, then action efficiency, in the random, the challenging and the invisible case
    "paper: ours": ("table I", (78.1, 69.4, 78.5), (46.3, 45.1, 16.8)),
    "paper: No-TCDD": ("table I", (64.5, 62.2, 27.2), (35.8, 36.3, 7.5)),
    "paper: No-OI": ("table I", (53.6, 49.7, 15.7), (34.5, 29.3, 8.9)),
    "paper: No-TSD": ("table I", (34.6, 25.4, 5.1), (18.9, 5.3, 0.6)),
    # section 6.3.1; of the invisible case "about 5 %" and "only about 1 %"
    "paper: VPG": ("figure 10", (34.6, 25.4, 5.0), (18.9, 5.3, 1.0)),
    "paper: S-VPG": ("figure 10", (52.6, 32.0, 5.0), (26.5, 4.4, 1.0)),
    "paper: S-RGM": ("figure 10", (46.2, 22.4, 20.0), (15.4, 6.5, 2.2)),
}


def test_all_methods_of_the_paper_are_there_once_its_own_first() -> None:
    names = [method.method for method in PUBLISHED]
    assert sorted(names) == sorted(FIGURES)
    assert names[0] == "paper: ours"


@pytest.mark.parametrize("name", FIGURES)
def test_a_methods_figures_are_those_of_the_paper(name: str) -> None:
    (method,) = [item for item in PUBLISHED if item.method == name]
    source, successes, efficiencies = FIGURES[name]
    assert method.source == source
    for scene, success, efficiency in zip(SCENES, successes, efficiencies, strict=True):
        assert grasp_success(method, scene) == pytest.approx(success / 100)
        assert action_efficiency(method, scene) == pytest.approx(efficiency / 100)


@pytest.mark.parametrize("name", FIGURES)
def test_there_is_no_figure_for_a_scene_that_the_paper_does_not_have(name: str) -> None:
    (method,) = [item for item in PUBLISHED if item.method == name]
    assert grasp_success(method, "noisy") is None
    assert action_efficiency(method, "noisy") is None
