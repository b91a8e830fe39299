"""An emulated controller whose time advances only when a test advances it."""

import numpy as np

from impurity_grasp_ros.emulation.controller import Controller
from impurity_grasp_ros.emulation.personality import CB3, Personality
from impurity_grasp_ros.emulation.plant import IdealArm

HOME = np.array([-1.08, -1.39, 1.55, -1.73, -1.57, -2.65])


def controller_of(personality: Personality = CB3) -> Controller:
    """A controller with an ideal arm at home."""
    return Controller(personality, IdealArm(HOME.copy()), HOME)


def pass_time(controller: Controller, seconds: float) -> None:
    """Run the control cycles of a number of seconds."""
    for _ in range(round(seconds / controller.personality.cycle)):
        controller.cycle()


def play(controller: Controller, *lines: str, seconds: float = 0.2) -> None:
    """Upload a program of these lines and run it for a number of seconds."""
    controller.upload("\n".join(["def main():", *lines, "end\n"]))
    pass_time(controller, seconds)
