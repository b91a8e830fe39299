"""How alike the objects of a scene are: all that the network of mode ``objects`` judges by."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

SEEN, ORDINARY, ODD = 0, 1, 2
"""Roles of objects: in view, to be judged; known to be ordinary; known to be odd."""

ROLES = (SEEN, ORDINARY, ODD)

LEVELS = (0.0, 0.3, 0.5, 0.7, 0.85, 0.95)
"""Similarities at which objects that are alike are counted."""

SOFTNESS = 0.05
"""Range of similarity over which an object begins to count."""

NEAREST = 3
"""The most similar objects whose similarity is compared."""

CLOSE, NARROW = 0.02, 0.2
"""Added to distances before their logarithm is taken, and to the median deviation of logarithms in a scene."""


def count_relations(aspects: int) -> int:
    """Return how many numbers :func:`relations` gives for each object."""
    return len(ROLES) * (aspects * (2 * len(LEVELS) + NEAREST) + 1) + aspects * 2 * NEAREST


def relations(vectors: Tensor, roles: Tensor, aspects: int, padding: Tensor | None = None) -> Tensor:
    """Compare each object with those of each role, aspect by aspect.

    An object that is unlike the others in one aspect is odd if they are alike in it, and not if all of them differ.

    Args:
        vectors: (B, n, looks), what objects look like.
        roles: (B, n) int64.
        aspects: Number of aspects, equal parts of a vector.
        padding: (B, n) bool, true where there is no object.

    Returns:
        (B, n, r): for each role and aspect, the share and the logarithm of the number of its objects that are alike at
        each of ``LEVELS``, and the ``NEAREST`` greatest similarities, cosines of angles between parts of vectors, -1
        where there are fewer objects; for each aspect how far the ``NEAREST`` objects are, relative to the others of
        the scene, see :func:`_isolation`; then for each role the logarithm of the number of its objects.
    """
    size, count = vectors.shape[:2]
    parts = functional.normalize(vectors.reshape(size, count, aspects, -1), dim=3).permute(0, 2, 1, 3)
    similarity = parts @ parts.transpose(2, 3)
    levels = torch.tensor(LEVELS, device=vectors.device)
    alike = torch.sigmoid((similarity[..., None] - levels) / SOFTNESS)
    others = ~torch.eye(count, dtype=torch.bool, device=vectors.device).expand(size, -1, -1)
    if padding is not None:
        others = others & ~padding[:, None]
    compared, numbers = [], []
    for role in ROLES:
        among = others & (roles == role)[:, None]
        number = among.sum(2, keepdim=True)
        numbers.append(torch.log1p(number.float()) / 2)
        like = (alike * among[:, None, :, :, None]).sum(3)
        compared += [like / number[:, None].clamp(min=1), torch.log1p(like) / 2, _nearest(similarity, among)]
    present = (roles != ODD) if padding is None else (roles != ODD) & ~padding
    compared.append(_isolation(_nearest(similarity, others & present[:, None]), present))
    by_object = torch.cat(compared, 3).permute(0, 2, 1, 3).reshape(size, count, -1)
    return torch.cat([by_object, *numbers], 2)


def _nearest(similarity: Tensor, among: Tensor) -> Tensor:
    """Greatest similarities (B, aspects, n, NEAREST) to those ``among`` (B, n, n) bool; -1 where there are fewer."""
    found = similarity.masked_fill(~among[:, None], -1.0).sort(3, descending=True).values[..., :NEAREST]
    return functional.pad(found, (0, NEAREST - found.shape[3]), value=-1.0)


def _isolation(nearest: Tensor, present: Tensor) -> Tensor:
    """How far each object is from the most similar ones, relative to how far the others of the scene are from theirs.

    What is odd is told apart by this even if all similarities of a scene are great, as those of one material are.

    Args:
        nearest: (B, aspects, n, NEAREST) similarities.
        present: (B, n) bool, the objects that may be ordinary.

    Returns:
        (B, aspects, n, 2 NEAREST): logarithms of distances less their median, then also divided by their spread.
    """
    distance = torch.log((1.0 - nearest).clamp(min=0.0) + CLOSE)
    absent = ~present[:, None, :, None]
    above = distance - distance.masked_fill(absent, torch.nan).nanmedian(2, keepdim=True).values
    spread = above.abs().masked_fill(absent, torch.nan).nanmedian(2, keepdim=True).values
    return torch.nan_to_num(torch.cat([above, above / (spread + NARROW) / 3.0], 3))
