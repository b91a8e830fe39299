"""An emulated controller that runs control cycles only when a test asks for them."""

import numpy as np

from ur_emulator.controller import Controller
from ur_emulator.personality import CB3, Personality
from ur_emulator.plant import IdealArm

HOME = np.array([-1.08, -1.39, 1.55, -1.73, -1.57, -2.65])


def controller_of(personality: Personality = CB3) -> Controller:
    """Create a controller with an ideal arm at home."""
    return Controller(personality, IdealArm(HOME.copy()), HOME)


def pass_time(controller: Controller, seconds: float) -> None:
    """Run the control cycles of a number of seconds."""
    for _ in range(round(seconds / controller.personality.cycle)):
        controller.cycle()


def play(controller: Controller, *lines: str, seconds: float = 0.2) -> None:
    """Upload a program of these lines and run it for some seconds."""
    controller.upload("\n".join(["def main():", *lines, "end\n"]))
    pass_time(controller, seconds)
