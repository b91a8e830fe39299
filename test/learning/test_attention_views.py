"""Pairs of labeled views come from scenes that no measurement uses, and show the same kinds."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from impurity_grasp_ros.errors import SceneNotSettledError
from impurity_grasp_ros.learning.attention_views import FIRST_SEED, ViewSource
from impurity_grasp_ros.simulation.environment import Environment


class EnoughError(Exception):
    """Ends a test."""


class LowestNumbers:
    """Stands in for a generator: the lowest number that may be drawn."""

    def random(self) -> float:
        return 0.0

    def choice(self, names: tuple[str, ...]) -> str:
        return names[0]

    def integers(self, low: int, high: int | None = None) -> int:
        return 0 if high is None else low


@pytest.mark.sim
@pytest.mark.parametrize("rng", [LowestNumbers(), np.random.default_rng(0)], ids=["lowest", "drawn"])
def test_scenes_for_training_have_seeds_that_no_measurement_uses(monkeypatch: pytest.MonkeyPatch, rng: Any) -> None:
    seeds: list[int] = []

    def reset(_environment: Environment, seed: int, *_scene: Any, **_numbers: Any) -> None:
        seeds.append(seed)
        raise EnoughError if len(seeds) == 50 else SceneNotSettledError

    source = ViewSource()
    monkeypatch.setattr(Environment, "reset", reset)
    with pytest.raises(EnoughError):
        source.pairs(1, 1, rng)
    assert FIRST_SEED == 1_000_000
    assert min(seeds) >= FIRST_SEED
    assert max(seeds) < 2**31


@pytest.fixture(scope="module")
def source() -> ViewSource:
    """One simulated cell for all tests that make pairs."""
    return ViewSource()


@pytest.mark.sim
def test_equal_generators_give_equal_pairs_of_the_same_kinds(source: ViewSource) -> None:
    first, again, other = (source.pairs(1, 2, np.random.default_rng(seed)) for seed in (3, 3, 4))
    assert len(first) == 2
    for pair, same in zip(first, again, strict=True):
        for view, copy in zip(pair, same, strict=True):
            for name in ("color", "height", "seen", "outline", "labels", "numbers", "odd", "kinds"):
                np.testing.assert_array_equal(getattr(view, name), getattr(copy, name), err_msg=name)
    assert not np.array_equal(first[0][0].color, other[0][0].color)
    for pair in first:
        odd = [{int(kind) for kind in view.kinds[view.odd]} for view in pair]
        ordinary = [{int(kind) for kind in view.kinds[~view.odd]} for view in pair]
        assert not (odd[0] | odd[1]) & (ordinary[0] | ordinary[1])
        assert pair[0].color.shape == (288, 288, 3)
        assert pair[0].outline.shape == (2, 144, 144)
        assert not np.array_equal(*(view.color for view in pair))


@pytest.mark.sim
def test_where_shapes_say_nothing_ordinary_objects_are_the_majority(source: ViewSource) -> None:
    source._environment.reset(FIRST_SEED, "random", targets=1, blocks=8)
    sizes = set()
    for seed in range(60):
        roles = source._roles(True, np.random.default_rng(seed))
        assert set(roles.kinds) == set(source._environment.scene.blocks)
        odd = sum(kind in roles.odd for kind in roles.kinds.values())
        counts = np.bincount([kind for kind in roles.kinds.values() if kind not in roles.odd])
        assert odd <= 2
        assert counts.min() >= max(3, 2 * odd + 1) or len(counts) == 1
        sizes.add((odd, len(counts)))
    assert {(0, 1), (1, 1), (2, 1), (1, 2)} <= sizes
    real = source._roles(False, np.random.default_rng(0))
    blocks = source._environment.scene.blocks
    assert {body for body, kind in real.kinds.items() if kind in real.odd} == {
        body for body, block in blocks.items() if block.target
    }
