"""Groups of records that are scored together."""

from __future__ import annotations

from collections.abc import Iterable

from impurity_grasp_ros.evaluation.published import SCENES
from impurity_grasp_ros.evaluation.record import EpisodeRecord


def by_scene_and_policy(records: Iterable[EpisodeRecord]) -> dict[tuple[str, str], list[EpisodeRecord]]:
    """Group records by scene and policy.

    Args:
        records: In the order in which their policies are to be listed.

    Returns:
        Records by (scene, policy), each group in the order of seeds. The paper's scenes come first, in its order, then
        the others by name; policies come in the order of their first record.
    """
    records = list(records)
    policies = list(dict.fromkeys(record.plan.policy for record in records))
    groups: dict[tuple[str, str], list[EpisodeRecord]] = {}
    for record in sorted(records, key=lambda record: record.plan.seed):
        groups.setdefault((record.plan.scene, record.plan.policy), []).append(record)
    order = sorted(groups, key=lambda key: (*_scene_order(key[0]), policies.index(key[1])))
    return {key: groups[key] for key in order}


def _scene_order(scene: str) -> tuple[int, str]:
    return (SCENES.index(scene) if scene in SCENES else len(SCENES)), scene
