"""Figures that the paper reports for simulation, for comparison: section 6.3, figure 10 and table I.

Its grasp success is a mean over completed episodes; its action efficiency is targets per action of completed episodes.
Robot, gripper, objects and simulator differ from ours, so the figures give a scale and are no ranking.
"""

from __future__ import annotations

from dataclasses import dataclass

SCENES = ("random", "challenging", "invisible")


@dataclass(frozen=True)
class Published:
    """Figures of one method.

    Attributes:
        method: Its name, marked as the paper's.
        source: Where in the paper the figures stand.
        grasp_success: Proportions, in the order of SCENES.
        action_efficiency: Targets per action, in the order of SCENES.
    """

    method: str
    source: str
    grasp_success: tuple[float, float, float]
    action_efficiency: tuple[float, float, float]


OURS = Published("paper: ours", "table I", (0.781, 0.694, 0.785), (0.463, 0.451, 0.168))
NO_TCDD = Published("paper: No-TCDD", "table I", (0.645, 0.622, 0.272), (0.358, 0.363, 0.075))
NO_OI = Published("paper: No-OI", "table I", (0.536, 0.497, 0.157), (0.345, 0.293, 0.089))
NO_TSD = Published("paper: No-TSD", "table I", (0.346, 0.254, 0.051), (0.189, 0.053, 0.006))
S_VPG = Published("paper: S-VPG", "figure 10", (0.526, 0.320, 0.050), (0.265, 0.044, 0.010))
S_RGM = Published("paper: S-RGM", "figure 10", (0.462, 0.224, 0.200), (0.154, 0.065, 0.022))
VPG = Published("paper: VPG", "figure 10", (0.346, 0.254, 0.050), (0.189, 0.053, 0.010))

PUBLISHED = (OURS, S_VPG, S_RGM, VPG, NO_TCDD, NO_OI, NO_TSD)
"""The paper's method, its baselines and its ablations."""


def grasp_success(method: Published, scene: str) -> float | None:
    """Grasp success that the paper reports for a scene; None for a scene that it does not have."""
    return method.grasp_success[SCENES.index(scene)] if scene in SCENES else None


def action_efficiency(method: Published, scene: str) -> float | None:
    """Action efficiency that the paper reports for a scene; None for a scene that it does not have."""
    return method.action_efficiency[SCENES.index(scene)] if scene in SCENES else None
