"""Records made by hand: G a grasp of a target, W of a wrong object, E of nothing; P a push."""

from __future__ import annotations

from impurity_grasp_ros.evaluation.record import ActionRecord, End, EpisodePlan, EpisodeRecord

STATUS = {"G": "HELD", "W": "HELD", "E": "EMPTY", "P": "PUSHED"}


def action(letter: str, visible: float | None = 1.0, seconds: float = 0.1) -> ActionRecord:
    kind = "PUSH" if letter == "P" else "GRASP"
    delivered = int(letter == "G"), int(letter == "W")
    return ActionRecord(
        kind, STATUS[letter], "TARGET", (0.5, -0.01, 0.02), 0.3, visible, *delivered, seconds, 4.0, 0.02
    )


def episode(
    letters: str,
    targets: int = 2,
    *,
    end: End | None = None,
    lost: int = 0,
    visible: list[float] | None = None,
    policy: str = "analytic",
    scene: str = "random",
    seed: int = 0,
    quick: bool = False,
) -> EpisodeRecord:
    """An episode in which these actions were done; it ends by a word of the policy unless told otherwise."""
    looks = visible or [1.0] * (len(letters) + 1)
    actions = tuple(action(letter, look) for letter, look in zip(letters, looks, strict=False))
    delivered = letters.count("G")
    places = [index for index, letter in enumerate(letters, start=1) if letter == "G"]
    return EpisodeRecord(
        plan=EpisodePlan(policy, scene, seed, quick, "0123456789ab", "fedcba987654"),
        targets=targets,
        others=15,
        budget=15 * targets,
        end=end or End.CLEAR,
        fault="NoPrimitiveError" if end is End.FAULT else "",
        completed_after=places[targets - 1] if 0 < delivered == targets else None,
        targets_delivered=delivered,
        targets_lost=lost,
        visible_at_end=None if delivered == targets else looks[len(letters)],
        actions=actions,
    )
