"""The link to the mechanics: few commands are unanswered, and every measurement names its command."""

from multiprocessing import Pipe

import numpy as np
import pytest
from emulated_controllers import HOME

from ur_emulator.gripper import IdealFingers
from ur_emulator.mechanics_link import MechanicsLink
from ur_emulator.mechanics_server import MechanicsServer
from ur_emulator.plant import IdealArm

CYCLE = 0.008


@pytest.fixture
def sides() -> tuple[MechanicsLink, MechanicsServer]:
    ours, theirs = Pipe()
    return MechanicsLink(ours, HOME), MechanicsServer(theirs, IdealArm(HOME), IdealFingers(), {})


def handle_all(server: MechanicsServer) -> None:
    while server.wait(0.0):
        server.handle_next()


def test_a_measurement_names_the_command_that_it_belongs_to(sides: tuple[MechanicsLink, MechanicsServer]) -> None:
    link, server = sides
    for number in range(10):
        link.follow(HOME + 0.01 * number, CYCLE)
    for _ in range(4):
        server.handle_next()
    measured = link.follow(HOME + 0.1, CYCLE)
    np.testing.assert_allclose(measured.joints, HOME + 0.03)
    np.testing.assert_allclose(measured.commanded, HOME + 0.03)
    assert measured.behind == pytest.approx(7 * CYCLE)


def test_a_motion_does_not_wait_for_commands_of_a_resting_arm(sides: tuple[MechanicsLink, MechanicsServer]) -> None:
    link, _ = sides
    for _ in range(1000):
        measured = link.follow(HOME, CYCLE)
    assert measured.behind == pytest.approx(0.104)


def test_no_command_of_a_moving_arm_is_skipped_and_none_blocks(sides: tuple[MechanicsLink, MechanicsServer]) -> None:
    link, server = sides
    for number in range(1000):
        link.follow(HOME + 1e-4 * number, CYCLE)
    for _ in range(12):
        handle_all(server)
        measured = link.follow(HOME + 0.0999, CYCLE)
    np.testing.assert_allclose(measured.joints, HOME + 0.0999)


def test_an_arm_that_stands_still_during_a_motion_is_not_at_rest(sides: tuple[MechanicsLink, MechanicsServer]) -> None:
    link, server = sides
    for in_motion, expected in ((True, False), (False, True)):
        link.in_motion = lambda in_motion=in_motion: in_motion
        for _ in range(5):
            link.follow(HOME, CYCLE)
        handle_all(server)
        assert server.at_rest is expected
    link.in_motion = lambda: True
    for _ in range(200):
        link.follow(HOME, CYCLE)
        handle_all(server)
    assert server.at_rest, "a paused motion is no reason to show no pictures"
