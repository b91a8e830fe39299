"""What a caller sees and controls of a motion; by default it neither looks nor asks to stop."""

from __future__ import annotations

from impurity_grasp_ros.motion.supervision import Supervision


def test_without_a_word_from_the_caller_nothing_is_canceled() -> None:
    supervision = Supervision()
    assert supervision.canceled() is False
    supervision.on_phase("approach")
    assert supervision.canceled() is False


def test_the_caller_hears_of_phases_and_may_cancel() -> None:
    phases: list[str] = []
    supervision = Supervision(lambda: len(phases) > 1, phases.append)
    supervision.on_phase("rise")
    assert not supervision.canceled()
    supervision.on_phase("open")
    assert supervision.canceled()
    assert phases == ["rise", "open"]
