"""Which objects are odd: judged among each other, and against what is remembered or was taught.

Nothing is known about objects beforehand. In the first view of a job, an object is odd if it is unlike the kinds to
which most objects belong. What was found then is remembered, so that objects can be told apart later in the job, when
few are left. A model that was taught takes the place of the first view; then it can also be said that a view shows
something else than what was taught.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from impurity_grasp_ros.perception.object_network import ObjectNetwork
from impurity_grasp_ros.perception.object_relations import ODD, ORDINARY, SEEN
from impurity_grasp_ros.perception.object_surroundings import SURROUNDINGS
from impurity_grasp_ros.perception.objects_config import OddnessConfig

Vectors = NDArray[np.float32]
"""(n, vector) descriptions of objects."""

MOST = 0.5
"""A view is unfamiliar if more than this share of its objects are far from everything that was taught."""


@dataclass(frozen=True, eq=False)
class KnownObjects:
    """Objects with which those in view are compared.

    Attributes:
        first: (k, vector) objects that were taught or seen in the first view of a job; they are never forgotten, so
            that what is ordinary cannot drift to what was odd.
        first_odd: (k,) bool, which of them are odd.
        later: (m, vector) ordinary objects of later views, newest last; with them, slow changes of light are followed.
        taught: Whether ``first`` was taught.
    """

    first: Vectors
    first_odd: NDArray[np.bool_]
    later: Vectors
    taught: bool = False

    def tokens(self) -> tuple[Vectors, NDArray[np.int64]]:
        """Return all vectors (n, vector) and their roles (n,)."""
        roles = np.where(self.first_odd, ODD, ORDINARY).astype(np.int64)
        return np.concatenate([self.first, self.later]), np.concatenate(
            [roles, np.full(len(self.later), ORDINARY, np.int64)]
        )


@torch.inference_mode()
def probabilities(network: ObjectNetwork, vectors: Vectors, known: KnownObjects | None) -> NDArray[np.float32]:
    """Judge the objects in view.

    They are compared with each other and with what is known. If a model was taught, each is compared with that alone:
    many impurities of one kind do not make each other ordinary.

    Args:
        network: The network that made the vectors.
        vectors: (n, vector) objects in view.
        known: What they are compared with besides each other; None in the first view without a model.

    Returns:
        (n,) probability that each is no ordinary object.
    """
    if len(vectors) == 0:
        return np.zeros(0, np.float32)
    groups = torch.from_numpy(vectors)[None]
    if known is not None and known.taught:
        groups = groups.transpose(0, 1)
    roles = torch.full(groups.shape[:2], SEEN)
    if known is not None:
        more, their_roles = (torch.from_numpy(part).expand(len(groups), *part.shape) for part in known.tokens())
        groups, roles = torch.cat([groups, more], 1), torch.cat([roles, their_roles], 1)
    logits = network.judge(groups, roles)[roles == SEEN]
    return np.asarray(torch.sigmoid(logits).numpy(), np.float32)


def remember(
    known: KnownObjects | None, vectors: Vectors, odd: NDArray[np.float32], config: OddnessConfig
) -> KnownObjects | None:
    """Update what is known by what was seen.

    Ordinary objects of later views are remembered as well, so that slow changes of light are followed. What is far from
    all ordinary objects that were taught or seen first, or more like an odd one, is not: looks may change only so far.

    Args:
        known: What was known before the view.
        vectors: (n, vector) objects in view.
        odd: (n,) probability that each is no ordinary object.
        config: What is remembered.

    Returns:
        What is known now; None as long as no object was surely ordinary.
    """
    ordinary = odd < config.surely_ordinary
    if known is None:
        if not ordinary.any():
            return None
        sure = ordinary | (odd > config.surely_odd)
        return KnownObjects(vectors[sure], odd[sure] > config.surely_odd, vectors[:0])
    later = np.concatenate([known.later, vectors[ordinary & _is_near(vectors, known, config.far)]])
    return replace(known, later=later[max(len(later) - config.max_remembered, 0) :])


def _is_near(vectors: Vectors, known: KnownObjects, far: float) -> NDArray[np.bool_]:
    """Whether objects (n, vector) are not far from an ordinary one of ``first``, and less like an odd one."""
    similarity = _directions(vectors) @ _directions(known.first).T
    ordinary, odd = (similarity[:, chosen].max(axis=1, initial=-1.0) for chosen in (~known.first_odd, known.first_odd))
    return (ordinary >= far) & (ordinary > odd)


def familiarity(vectors: Vectors, known: KnownObjects) -> NDArray[np.float32]:
    """Compare objects with those that were taught; what was remembered later does not count.

    Args:
        vectors: (n, vector) objects in view.
        known: What was taught, at least one object.

    Returns:
        (n,) the greatest similarity in looks of each to any of them, the cosine of the angle between two vectors.
    """
    similarity: NDArray[np.float32] = _directions(vectors) @ _directions(known.first).T
    return similarity.max(axis=1)


def is_unfamiliar(vectors: Vectors, known: KnownObjects | None, config: OddnessConfig) -> bool:
    """Whether a view (n, vector) shows something else than what was taught; never so if nothing was taught."""
    if known is None or not known.taught or len(vectors) == 0:
        return False
    return float(np.mean(familiarity(vectors, known) < config.far)) > MOST


def _directions(vectors: Vectors) -> Vectors:
    """What objects (n, vector) look like, as vectors of length 1; what lies around them does not count."""
    looks = vectors[:, :-SURROUNDINGS]
    return looks / np.maximum(np.linalg.norm(looks, axis=1, keepdims=True), 1e-9)
