"""Supervision of a motion: by default it neither cancels nor reports."""

from __future__ import annotations

from impurity_grasp_ros.motion.supervision import Supervision


def test_by_default_nothing_is_canceled() -> None:
    supervision = Supervision()
    assert supervision.canceled() is False
    supervision.on_phase("approach")
    assert supervision.canceled() is False


def test_the_caller_gets_the_phases_and_can_cancel() -> None:
    phases: list[str] = []
    supervision = Supervision(lambda: len(phases) > 1, phases.append)
    supervision.on_phase("rise")
    assert not supervision.canceled()
    supervision.on_phase("open")
    assert supervision.canceled()
    assert phases == ["rise", "open"]
