"""What the program on the controller is asked, where the client library's answer may be none."""

from typing import Any

import pytest

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.hardware.ur_commands import UrCommands
from impurity_grasp_ros.hardware.ur_config import UrConfig

POSE = [-0.4, 0.1, 0.2, 2.2, -2.2, 0.0]


class Library:
    """Answers to both questions in turn; notes what is moved."""

    def __init__(self, *answers: bool) -> None:
        self._answers = list(answers)
        self.running = True
        self.joints = [0.1] * 6
        self.moved: list[Any] = []

    def isPoseWithinSafetyLimits(self, _pose: list[float]) -> bool:
        return self._answers.pop(0)

    def getInverseKinematicsHasSolution(self, _pose: list[float], _near: list[float]) -> bool:
        return self._answers.pop(0)

    def getInverseKinematics(self, _pose: list[float], _near: list[float]) -> list[float]:
        return self.joints

    def isProgramRunning(self) -> bool:
        return self.running

    def getAsyncOperationProgress(self) -> int:
        return -1

    def kickWatchdog(self) -> bool:
        return True

    def moveL(self, *command: Any) -> bool:
        self.moved.append(command)
        return True


def commands(*answers: bool) -> tuple[UrCommands, Library]:
    library = Library(*answers)
    return UrCommands(library, packaged_parameters("motion_node", UrConfig, "arm")), library


@pytest.mark.parametrize("answers", [(True,), (False, True)])
def test_a_no_that_was_no_answer_does_not_end_a_motion(answers: tuple[bool, ...]) -> None:
    link, library = commands(*answers)
    assert link.start_linear_motion(POSE, 0.1, 1.0) == 1
    assert len(library.moved) == 1
    assert commands(*answers)[0].inverse_kinematics(POSE, [0.0] * 6) == [0.1] * 6


def test_two_times_no_is_a_refusal_and_moves_nothing() -> None:
    link, library = commands(False, False)
    with pytest.raises(ValueError, match="within the safety limits"):
        link.start_linear_motion(POSE, 0.1, 1.0)
    assert not library.moved
    assert commands(False, False)[0].inverse_kinematics(POSE, [0.0] * 6) is None


def test_a_program_that_has_stopped_is_a_fault_and_not_a_refusal() -> None:
    link, library = commands(*[False] * 4)
    library.running = False
    with pytest.raises(RuntimeError, match="control program is not running"):
        link.inverse_kinematics(POSE, [0.0] * 6)
    with pytest.raises(RuntimeError, match="control program is not running"):
        link.start_linear_motion(POSE, 0.1, 1.0)
    assert not library.moved


def test_an_empty_solution_is_a_fault_and_not_out_of_reach() -> None:
    link, library = commands(True)
    library.joints = []
    with pytest.raises(RuntimeError, match=r"six joint angles from the controller, received \[\]"):
        link.inverse_kinematics(POSE, [0.0] * 6)
