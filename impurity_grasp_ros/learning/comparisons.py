"""What the objects of two views are compared with while the network learns what is odd.

A simulated scene is used for more than one comparison: of its kinds, any may be ordinary and any other one odd.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from impurity_grasp_ros.learning.attention_labels import NO_KIND
from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN

LEAST_PIECES = 3
"""Smallest number of pieces of a kind that is ordinary in a comparison."""


@dataclass(frozen=True, eq=False)
class Pooled:
    """Objects of a view: their statistics (n, p), which are odd (n,) bool, and of which kind they are (n,) int64."""

    statistics: Tensor
    odd: Tensor
    kinds: Tensor


PooledPair = tuple[Pooled, Pooled]


@dataclass(frozen=True, eq=False)
class Comparison:
    """Objects that are compared: vectors (n, v), roles (n,), and whether they are odd (n,), NaN if not to be judged."""

    vectors: Tensor
    roles: Tensor
    odd: Tensor


def recast(pair: PooledPair, rng: np.random.Generator) -> PooledPair:
    """Draw which kinds are ordinary and which one is odd, and keep only some objects of these.

    Args:
        pair: The objects of two views.
        rng: Source of all random choices.

    Returns:
        Some of the objects, with other roles; the pair as it was if no kind has enough pieces to be ordinary.
    """
    kinds = [view.kinds.numpy() for view in pair]
    names = np.setdiff1d(np.concatenate(kinds), [NO_KIND])
    frequent = [name for name in names if min((own == name).sum() for own in kinds) >= LEAST_PIECES]
    if not frequent:
        return pair
    ordinary = rng.permutation(frequent)[: rng.integers(1, len(frequent) + 1)]
    others = np.setdiff1d(names, ordinary)
    odd = int(rng.choice(others)) if len(others) and rng.random() < 0.85 else None
    first, second = (_kept(view, own, ordinary, odd, rng) for view, own in zip(pair, kinds, strict=True))
    return first, second


def _kept(
    view: Pooled, kinds: NDArray[np.int64], ordinary: NDArray[np.int64], odd: int | None, rng: np.random.Generator
) -> Pooled:
    """Keep at least three objects of each ordinary kind, and one or two of the odd kind."""
    kept = (kinds == NO_KIND) & (rng.random(len(kinds)) < 0.7)
    for name in ordinary:
        own = np.flatnonzero(kinds == name)
        fewer = rng.random() < 0.5
        kept[rng.permutation(own)[: rng.integers(LEAST_PIECES, len(own) + 1) if fewer else len(own)]] = True
    if odd is not None:
        kept[rng.permutation(np.flatnonzero(kinds == odd))[: rng.integers(1, 3)]] = True
    chosen = torch.from_numpy(np.flatnonzero(kept))
    return Pooled(view.statistics[chosen], view.kinds[chosen] == (-1 if odd is None else odd), view.kinds[chosen])


def compared(pair: PooledPair, vectors: tuple[Tensor, Tensor], rng: np.random.Generator) -> list[Comparison]:
    """Draw what is compared: the first view alone, and the second one alone or with objects known from the first.

    What is known is like the memory of a job, with ordinary and odd objects, or like a model that was taught, with
    mostly ordinary ones. The second view then often shows only a few objects, or only odd ones.

    Args:
        pair: The objects of two views.
        vectors: (n, v) of each view, the descriptions of its objects.
        rng: Source of all random choices.
    """
    first, second = pair
    alone = _alone(first, vectors[0])
    if rng.random() < 0.3:
        return [alone, _alone(second, vectors[1])]
    known = torch.from_numpy(rng.random(len(first.odd)) < rng.choice([0.4, 0.7, 1.0]))
    if taught := rng.random() < 0.45:
        known &= ~first.odd | torch.from_numpy(rng.random(len(first.odd)) < rng.choice([0.0, 0.5]))
    if not (known & ~first.odd).any():
        known = ~first.odd
    left = torch.from_numpy(rng.random(len(second.odd)) < rng.choice([0.15, 0.4, 0.8, 1.0]))
    if taught and second.odd.any() and rng.random() < 0.4:
        left &= second.odd | torch.from_numpy(rng.random(len(second.odd)) < 0.2)
    if not left.any():
        left[int(rng.integers(len(left)))] = True
    roles = torch.where(first.odd[known], ODD, ORDINARY)
    seen = vectors[1][left]
    later = Comparison(
        torch.cat([seen, vectors[0][known]]),
        torch.cat([torch.full((len(seen),), SEEN), roles]),
        torch.cat([second.odd[left].float(), torch.full((len(roles),), torch.nan)]),
    )
    return [alone, _clear(later, torch.cat([second.kinds[left], first.kinds[known]]))]


def _alone(view: Pooled, vectors: Tensor) -> Comparison:
    return _clear(Comparison(vectors, torch.full((len(vectors),), SEEN), view.odd.float()), view.kinds)


def _clear(comparison: Comparison, kinds: Tensor) -> Comparison:
    """Leave out of the judgment what nobody could tell.

    An odd object is not judged if its kind has as many pieces as any ordinary one, unless it is known. Beside other
    ordinary kinds, an object is not judged if its kind has no more pieces than an odd one, or a single piece.

    Args:
        comparison: What is compared.
        kinds: (n,) int64, the kinds of the objects.
    """
    odd = (comparison.odd == 1.0) | (comparison.roles == ODD)
    seen = comparison.roles == SEEN
    same = kinds[:, None] == kinds
    ordinary = (same & ~odd).sum(1)  # for each object, the ordinary pieces of its kind
    seen_odd = (same & odd & seen).sum(1)  # the odd ones in view
    is_known = (same & (comparison.roles == ODD)).any(1)
    several = len(torch.unique(kinds[~odd])) > 1
    most_ordinary = _greatest(ordinary[~odd & (kinds != NO_KIND)])
    most_odd = _greatest(seen_odd[odd & seen])
    unclear_ordinary = ~odd & (kinds != NO_KIND) & (ordinary <= max(1, most_odd)) & several
    unclear_odd = odd & ~is_known & (seen_odd >= most_ordinary)
    unclear = seen & (unclear_ordinary | unclear_odd)
    return replace(comparison, odd=comparison.odd.masked_fill(unclear, torch.nan))


def _greatest(counts: Tensor) -> int:
    return int(counts.max()) if len(counts) else 0
