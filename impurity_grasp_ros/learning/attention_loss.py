"""Losses of the attention network: outlines of objects, what is odd, and what is of one kind."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from impurity_grasp_ros.config import packaged_parameters
from impurity_grasp_ros.learning.attention_labels import LabeledView, segmented
from impurity_grasp_ros.learning.attention_views import Pair
from impurity_grasp_ros.learning.comparisons import Comparison, Pooled, PooledPair, compared, recast
from impurity_grasp_ros.perception.object_network import FeatureMaps, ObjectNetwork
from impurity_grasp_ros.perception.objects_config import ObjectsConfig, SegmentationConfig
from impurity_grasp_ros.perception.occlusion import OcclusionConfig

BORDER_WEIGHT, INSIDE_WEIGHT, OBJECT_WEIGHT, TABLE_WEIGHT = 3.0, 4.0, 3.3, 0.3
"""Weights in the loss of the outlines: border cells, distance from the border, cells on and off objects."""

SEGMENTED = 0.6
"""Fraction of the views that are judged by the objects that a job would find."""

RECAST = 0.7
"""Fraction of the pairs of views in which other kinds are ordinary and odd than in the simulated scene."""

KINDS_APART = 100
"""Kinds of different pairs of views have numbers that are so far apart."""


@dataclass(frozen=True, eq=False)
class JudgeLosses:
    """Losses of what is odd and of what is of one kind.

    ``found``: how often the object judged to be most odd in a view with an odd one is odd; NaN if no view has one.
    """

    odd: Tensor
    kind: Tensor
    found: float


@dataclass(frozen=True, eq=False)
class Losses:
    """Losses of a batch, and the objects of its views."""

    outline: Tensor
    judge: JudgeLosses
    objects: list[PooledPair]


@dataclass(frozen=True)
class JobView:
    """How a job finds objects: when cells form an object, and up to how many meters they belong to the table."""

    segmentation: SegmentationConfig
    ground: float


def job_view() -> JobView:
    """Return the shipped settings of ``attention_node``."""
    segmentation = packaged_parameters("attention_node", ObjectsConfig, "objects").segmentation
    occlusion = packaged_parameters("attention_node", OcclusionConfig, "occlusion")
    return JobView(segmentation, occlusion.min_object_height)


def losses(
    network: ObjectNetwork,
    pairs: Sequence[Pair],
    temperature: float,
    rng: np.random.Generator,
    job: JobView | None = None,
) -> Losses:
    """Compute the losses of a batch.

    Args:
        network: The network.
        pairs: Pairs of views that show objects of the same kinds.
        temperature: Scale of similarities in the loss of kinds.
        rng: Draws what is remembered, and which objects are left.
        job: If given, most of the views are judged by the objects that a job would find instead of the true ones.
    """
    views = [view for pair in pairs for view in pair]
    with torch.autocast("cpu", torch.bfloat16):
        maps = network(*_inputs(views))
    maps = FeatureMaps(*(features.float() for features in maps))
    outlines = maps.outline.detach().numpy()
    objects = []
    for index, view in enumerate(views):
        if job and rng.random() < SEGMENTED:
            view = segmented(view, outlines[index], job.segmentation, job.ground)
        statistics = network.pool(maps, index, torch.from_numpy(view.labels), torch.from_numpy(view.numbers))
        objects.append(Pooled(statistics, torch.from_numpy(view.odd), torch.from_numpy(view.kinds)))
    pooled = list(zip(objects[::2], objects[1::2], strict=True))
    return Losses(_outline_loss(maps.outline, views), judge_losses(network, pooled, temperature, rng), pooled)


def judge_losses(
    network: ObjectNetwork, pairs: Sequence[PooledPair], temperature: float, rng: np.random.Generator
) -> JudgeLosses:
    """Compute the losses of describing and comparing objects; for the arguments see :func:`losses`."""
    pairs = [recast(pair, rng) if rng.random() < RECAST else pair for pair in pairs]
    views = [view for pair in pairs for view in pair]
    with torch.random.fork_rng(devices=[]):  # what dropout leaves out is drawn from the generator, too
        torch.manual_seed(int(rng.integers(2**31)))
        vectors = network.describe(torch.cat([view.statistics for view in views]))
    parts = iter(torch.split(vectors, [len(view.odd) for view in views]))
    comparisons = [comparison for pair in pairs for comparison in compared(pair, (next(parts), next(parts)), rng)]
    odd, found = _odd_loss(network, comparisons)
    kinds = torch.cat([view.kinds + KINDS_APART * (index // 2) for index, view in enumerate(views)])
    return JudgeLosses(odd, _kind_loss(vectors[:, : network.looks], kinds, temperature), found)


def _inputs(views: Sequence[LabeledView]) -> tuple[Tensor, Tensor, Tensor]:
    color = torch.from_numpy(np.stack([view.color for view in views])).permute(0, 3, 1, 2).float() / 255
    height = torch.from_numpy(np.stack([view.height for view in views]))[:, None]
    seen = torch.from_numpy(np.stack([view.seen for view in views]))[:, None].float()
    return color.contiguous(memory_format=torch.channels_last), height, seen


def _outline_loss(outline: Tensor, views: Sequence[LabeledView]) -> Tensor:
    wanted = torch.from_numpy(np.stack([view.outline for view in views])).float()
    border = functional.binary_cross_entropy_with_logits(outline[:, 0], wanted[:, 0], reduction="none")
    border = border * (1.0 + (BORDER_WEIGHT - 1.0) * wanted[:, 0])
    inside = (torch.sigmoid(outline[:, 1]) - wanted[:, 1]) ** 2
    weight = torch.where((wanted > 0.0).any(1), OBJECT_WEIGHT, TABLE_WEIGHT)
    return ((border + INSIDE_WEIGHT * inside) * weight).mean()


def _odd_loss(network: ObjectNetwork, comparisons: Sequence[Comparison]) -> tuple[Tensor, float]:
    longest = max(len(item.roles) for item in comparisons)
    padded = [(item, longest - len(item.roles)) for item in comparisons]
    vectors = torch.stack([functional.pad(item.vectors, (0, 0, 0, pad)) for item, pad in padded])
    roles = torch.stack([functional.pad(item.roles, (0, pad)) for item, pad in padded])
    odd = torch.stack([functional.pad(item.odd, (0, pad), value=torch.nan) for item, pad in padded])
    padding = torch.arange(longest)[None] >= torch.tensor([[len(item.roles)] for item in comparisons])
    logits = network.judge(vectors, roles, padding)
    judged = ~odd.isnan()
    loss = functional.binary_cross_entropy_with_logits(logits[judged], odd[judged])
    most = odd.gather(1, logits.detach().masked_fill(~judged, -torch.inf).argmax(1, keepdim=True))[:, 0]
    having = (odd == 1.0).any(1)
    return loss, float(most[having].mean()) if having.any() else float("nan")


def _kind_loss(vectors: Tensor, kinds: Tensor, temperature: float) -> Tensor:
    """Supervised contrastive loss (Khosla et al., 2020): objects of one kind attract each other, others repel."""
    directions = functional.normalize(vectors, dim=1)
    itself = torch.eye(len(kinds), dtype=torch.bool)
    similarity = (directions @ directions.T / temperature).masked_fill(itself, -1e9)
    alike = (kinds[:, None] == kinds[None]) & ~itself
    likelihood = similarity - torch.logsumexp(similarity, 1, keepdim=True)
    mean = torch.where(alike, likelihood, 0.0).sum(1) / alike.sum(1).clamp(min=1)
    return -mean[alike.any(1)].mean()
