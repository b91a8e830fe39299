"""Records in groups that are scored together, in a fixed order."""

from __future__ import annotations

from episodes import episode

from impurity_grasp_ros.evaluation.grouping import by_scene_and_policy


def test_groups_are_sorted_by_scene_then_by_policy_and_runs_by_seed() -> None:
    records = [
        episode("E", policy="vpg", scene="noisy", seed=4),
        episode("P", policy="vpg", scene="invisible", seed=2),
        episode("G", policy="ours", scene="random", seed=3),
        episode("W", policy="vpg", scene="random", seed=1),
        episode("E", policy="ours", scene="random", seed=1),
        episode("E", policy="ours", scene="challenging", seed=1),
        episode("E", policy="ours", scene="blocks", seed=0),
    ]
    groups = by_scene_and_policy(records)
    assert list(groups) == [
        ("random", "vpg"),
        ("random", "ours"),
        ("challenging", "ours"),
        ("invisible", "vpg"),
        ("blocks", "ours"),
        ("noisy", "vpg"),
    ]
    assert groups["random", "ours"] == [records[4], records[2]]
    assert sum(map(len, groups.values())) == 7


def test_no_records_are_no_groups() -> None:
    assert by_scene_and_policy(iter([])) == {}
