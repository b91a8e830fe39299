"""Commands run ahead of the mechanics only so far, and both sides know what belongs together."""

from multiprocessing import Pipe

import numpy as np
import pytest
from emulated_controllers import HOME

from ur_emulator.gripper import IdealFingers
from ur_emulator.mechanics_link import MechanicsLink
from ur_emulator.plant import IdealArm
from ur_emulator.player import Player

CYCLE = 0.008


@pytest.fixture
def sides() -> tuple[MechanicsLink, Player]:
    ours, theirs = Pipe()
    return MechanicsLink(ours, HOME), Player(theirs, IdealArm(HOME), IdealFingers(), {})


def play_all(player: Player) -> None:
    while player.wait(0.0):
        player.play()


def test_a_measurement_names_the_command_that_it_belongs_to(sides: tuple[MechanicsLink, Player]) -> None:
    link, player = sides
    for number in range(10):
        link.follow(HOME + 0.01 * number, CYCLE)
    for _ in range(4):
        player.play()
    measured = link.follow(HOME + 0.1, CYCLE)
    np.testing.assert_allclose(measured.joints, HOME + 0.03)
    np.testing.assert_allclose(measured.commanded, HOME + 0.03)
    assert measured.behind == pytest.approx(7 * CYCLE)


def test_a_motion_does_not_wait_for_time_in_which_the_arm_stood(sides: tuple[MechanicsLink, Player]) -> None:
    link, _ = sides
    for _ in range(1000):
        measured = link.follow(HOME, CYCLE)
    assert measured.behind == pytest.approx(0.104)


def test_no_command_of_a_moving_arm_is_left_out_and_none_blocks(sides: tuple[MechanicsLink, Player]) -> None:
    link, player = sides
    for number in range(1000):
        link.follow(HOME + 1e-4 * number, CYCLE)
    for _ in range(12):
        play_all(player)
        measured = link.follow(HOME + 0.0999, CYCLE)
    np.testing.assert_allclose(measured.joints, HOME + 0.0999)


def test_an_arm_that_is_held_up_in_a_motion_does_not_rest(sides: tuple[MechanicsLink, Player]) -> None:
    link, player = sides
    for travels, expected in ((True, False), (False, True)):
        link.travels = lambda travels=travels: travels
        for _ in range(5):
            link.follow(HOME, CYCLE)
        play_all(player)
        assert player.at_rest is expected
    link.travels = lambda: True
    for _ in range(200):
        link.follow(HOME, CYCLE)
        play_all(player)
    assert player.at_rest, "a paused motion is no reason to show no pictures"
