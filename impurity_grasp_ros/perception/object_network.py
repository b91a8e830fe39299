"""The network of mode ``objects``: where objects end, what they look like, and which of them are odd.

It has three parts. A small U-Net turns the view into feature maps and two outline maps, from which
:mod:`.segmentation` makes objects. Each object becomes one vector, made from the mean and the standard deviation of
the features on its whole surface and from numbers about its shape, colors and texture (:mod:`.object_numbers`). A
transformer compares all objects of the scene, and those remembered or taught, and gives each one the probability that
it is no ordinary one. It is not told what the objects look like, only how similar they are in several aspects: what is
odd depends on the others alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.perception.object_numbers import OBJECT_NUMBERS
from impurity_grasp_ros.perception.ortho import FINE_FACTOR

SEEN, ORDINARY, ODD = 0, 1, 2
"""Roles of objects: in view, to be judged; known to be ordinary; known to be odd."""

PLANES = 6
"""Planes of the input color: red, green, blue, brightness, red share, green share."""

DARK = 0.04
"""Added to the sum of the color channels before logarithm and shares are taken."""

HEIGHT_SCALE, RELIEF_SCALE, RELIEF_CELLS = 20.0, 60.0, 9
"""Factors per meter on heights and on deviations from the mean height around a cell, and the size of that area."""


@dataclass(frozen=True)
class ObjectNetworkConfig:
    """Sizes of the network."""

    fine: int = parameter("channels at one pixel per cell", low=4, high=128)
    middle: int = parameter("channels at one pixel per 2 x 2 cells", low=4, high=256)
    coarse: int = parameter("channels at one pixel per 4 x 4 cells", low=4, high=512)
    aspects: int = parameter("aspects in which objects are compared", low=1, high=32)
    aspect: int = parameter("numbers that describe an object in each aspect", low=2, high=128)
    compare: int = parameter("numbers that describe an object among others; a multiple of 4", low=4, high=512)

    @property
    def vector(self) -> int:
        """Numbers that describe an object."""
        return self.aspects * self.aspect


LEVELS = (0.0, 0.3, 0.5, 0.7, 0.85, 0.95)
"""Similarities at which objects that are alike are counted."""

SOFTNESS = 0.05
"""Range of similarity over which an object begins to count."""

NEAREST = 3
"""The most similar objects whose similarity is compared."""

CLOSE, NARROW = 0.02, 0.2
"""Added to distances before their logarithm is taken, and to the median deviation of logarithms in a scene."""

LEFT_OUT = 0.1
"""Share of the numbers of an object that are left out at random in training."""

ROLES = (SEEN, ORDINARY, ODD)


class FeatureMaps(NamedTuple):
    """Features of a batch of views.

    Attributes:
        looks: (B, 12, R, C), mean color, brightness and color shares of each cell, and their deviation within it.
        texture: (B, fine, R, C), with a field of view of a few cells.
        fine: (B, fine, R, C), with a wide field of view.
        middle: (B, middle, R / 2, C / 2).
        coarse: (B, coarse, R / 4, C / 4).
        outline: (B, 2, R, C) logits: a cell is on the border of an object; a cell is far inside of one.
    """

    looks: Tensor
    texture: Tensor
    fine: Tensor
    middle: Tensor
    coarse: Tensor
    outline: Tensor


class ObjectNetwork(nn.Module):
    """The network; the size of the view must be a multiple of 4 cells.

    Attributes:
        vector: Numbers that describe an object.
    """

    def __init__(self, config: ObjectNetworkConfig) -> None:
        """Make it with random weights."""
        super().__init__()
        self.vector = config.vector
        fine, middle, coarse = config.fine, config.middle, config.coarse
        self.stem = nn.Sequential(_convolution(PLANES * FINE_FACTOR**2, fine), _convolution(fine, fine))
        self.to_middle = nn.Sequential(_convolution(fine + 3, middle, stride=2), _Residual(middle, 1))
        self.to_coarse = nn.Sequential(
            _convolution(middle, coarse, stride=2), *(_Residual(coarse, dilation) for dilation in (1, 2, 4))
        )
        self.from_coarse = nn.Conv2d(coarse, middle, 1)
        self.merge_middle = _convolution(2 * middle, middle)
        self.from_middle = nn.Conv2d(middle, fine, 1)
        self.merge_fine = _convolution(2 * fine + 3, fine)
        self.outline = nn.Conv2d(fine, 2, 1)
        pooled = 2 * (2 * PLANES + 2 * fine + middle) + coarse + OBJECT_NUMBERS
        hidden = 2 * config.vector
        relations = len(ROLES) * (config.aspects * (2 * len(LEVELS) + NEAREST) + 1) + config.aspects * 2 * NEAREST
        self.describe = nn.Sequential(
            nn.BatchNorm1d(pooled),
            nn.Dropout(LEFT_OUT),
            nn.Linear(pooled, hidden),
            nn.ReLU(),
            nn.Linear(hidden, config.vector),
        )
        self.aspects, width = config.aspects, config.compare
        self.role = nn.Embedding(len(ROLES), width)
        self.relate = nn.Sequential(nn.Linear(relations, width), nn.ReLU(), nn.Linear(width, width))
        self.compare = nn.ModuleList(
            nn.TransformerEncoderLayer(width, 4, 2 * width, 0.0, batch_first=True, norm_first=True) for _ in range(2)
        )
        self.decide = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, color: Tensor, height: Tensor, seen: Tensor) -> FeatureMaps:
        """Compute the feature maps.

        Args:
            color: (B, 3, 2 R, 2 C) RGB in 0..1, 0 where nothing was seen.
            height: (B, 1, R, C) meters above the table.
            seen: (B, 1, R, C) 1 in cells that were seen, else 0.
        """
        total = color.sum(1, keepdim=True) + DARK
        planes = torch.cat([color * 2 - 1, torch.log2(total) / 2, color[:, :2] / total * 3 - 1], 1)
        relief = height - functional.avg_pool2d(height, RELIEF_CELLS, 1, RELIEF_CELLS // 2)
        surface = torch.cat([height * HEIGHT_SCALE - 0.5, relief * RELIEF_SCALE, seen], 1)
        mean = functional.avg_pool2d(planes, FINE_FACTOR)
        deviation = (functional.avg_pool2d(planes**2, FINE_FACTOR) - mean**2).clamp(min=1e-6).sqrt()
        texture = self.stem(functional.pixel_unshuffle(planes, FINE_FACTOR))
        middle = self.to_middle(torch.cat([texture, surface], 1))
        coarse = self.to_coarse(middle)
        middle = self.merge_middle(torch.cat([_doubled(self.from_coarse(coarse)), middle], 1))
        fine = self.merge_fine(torch.cat([_doubled(self.from_middle(middle)), texture, surface], 1))
        return FeatureMaps(torch.cat([mean, deviation], 1), texture, fine, middle, coarse, self.outline(fine))

    def pool(self, maps: FeatureMaps, index: int, labels: Tensor, numbers: Tensor) -> Tensor:
        """Collect statistics of the objects of one view, to be described by ``describe``.

        Args:
            maps: Feature maps of a batch.
            index: Which view of the batch.
            labels: (R, C) int64, the object of each cell; -1 for none.
            numbers: (n, 101) float32, see :func:`.object_numbers`.

        Returns:
            (n, p) float32; ``describe`` makes (n, vector) of it.
        """
        found = [
            statistic
            for features, step in ((maps.looks, 1), (maps.texture, 1), (maps.fine, 1), (maps.middle, 2))
            for statistic in _pooled(features[index], labels[::step, ::step], len(numbers))
        ]
        found.append(_pooled(maps.coarse[index], labels[::4, ::4], len(numbers))[0])
        return torch.cat([*found, numbers], 1)

    def judge(self, vectors: Tensor, roles: Tensor, padding: Tensor | None = None) -> Tensor:
        """Compare objects with one another.

        Args:
            vectors: (B, n, vector) objects, in view, remembered or taught.
            roles: (B, n) int64, ``SEEN``, ``ORDINARY`` or ``ODD``.
            padding: (B, n) bool, true where there is no object.

        Returns:
            (B, n) logits of the probability of being odd; meaningful for objects with the role ``SEEN``.
        """
        tokens = self.role(roles) + self.relate(relations(vectors, roles, self.aspects, padding))
        for layer in self.compare:
            tokens = layer(tokens, src_key_padding_mask=padding)
        return self.decide(tokens)[..., 0]


def relations(vectors: Tensor, roles: Tensor, aspects: int, padding: Tensor | None = None) -> Tensor:
    """Compare each object with those of each role, aspect by aspect.

    An object that is unlike the others in one aspect is odd if they are alike in it, and not if all of them differ.

    Args:
        vectors: (B, n, vector).
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
    parts = functional.normalize(vectors.view(size, count, aspects, -1), dim=3).permute(0, 2, 1, 3)
    similarity = parts @ parts.transpose(2, 3)
    levels = torch.tensor(LEVELS, device=vectors.device)
    alike = torch.sigmoid((similarity[..., None] - levels) / SOFTNESS)
    itself = torch.eye(count, dtype=torch.bool, device=vectors.device)
    compared, numbers = [], []
    for role in ROLES:
        among = (roles == role)[:, None] & ~itself
        if padding is not None:
            among = among & ~padding[:, None]
        number = among.sum(2, keepdim=True)
        numbers.append(torch.log1p(number.float()) / 2)
        like = (alike * among[:, None, :, :, None]).sum(3)
        nearest = similarity.masked_fill(~among[:, None], -1.0).sort(3, descending=True).values[..., :NEAREST]
        nearest = functional.pad(nearest, (0, NEAREST - nearest.shape[3]), value=-1.0)
        compared += [like / number[:, None].clamp(min=1), torch.log1p(like) / 2, nearest]
    present = (roles != ODD) if padding is None else (roles != ODD) & ~padding
    compared.append(_isolation(similarity, present))
    by_object = torch.cat(compared, 3).permute(0, 2, 1, 3).reshape(size, count, -1)
    return torch.cat([by_object, *numbers], 2)


def _isolation(similarity: Tensor, present: Tensor) -> Tensor:
    """How far each object is from the most similar ones, relative to how far the others of the scene are from theirs.

    What is odd is told apart by this even if all similarities of a scene are great, as those of one material are.

    Args:
        similarity: (B, aspects, n, n).
        present: (B, n) bool, the objects that may be ordinary.

    Returns:
        (B, aspects, n, 2 NEAREST): logarithms of distances less their median, then also divided by their spread.
    """
    among = present[:, None] & ~torch.eye(present.shape[1], dtype=torch.bool, device=present.device)
    near = similarity.masked_fill(~among[:, None], -1.0).sort(3, descending=True).values[..., :NEAREST]
    near = functional.pad(near, (0, NEAREST - near.shape[3]), value=-1.0)
    distance = torch.log((1.0 - near).clamp(min=0.0) + CLOSE)
    absent = ~present[:, None, :, None]
    above = distance - distance.masked_fill(absent, torch.nan).nanmedian(2, keepdim=True).values
    spread = above.abs().masked_fill(absent, torch.nan).nanmedian(2, keepdim=True).values
    return torch.nan_to_num(torch.cat([above, above / (spread + NARROW) / 3.0], 3))


class _Residual(nn.Module):
    """Two convolutions around which the input is added."""

    def __init__(self, channels: int, dilation: int) -> None:
        super().__init__()
        self.inner = nn.Sequential(
            _convolution(channels, channels, dilation=dilation),
            nn.Conv2d(channels, channels, 3, padding=1, bias=False),
            nn.BatchNorm2d(channels),
        )

    def forward(self, features: Tensor) -> Tensor:
        return functional.relu(features + self.inner(features))


def _convolution(inputs: int, outputs: int, stride: int = 1, dilation: int = 1) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, stride, dilation, dilation, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()
    )


def _doubled(features: Tensor) -> Tensor:
    return functional.interpolate(features, scale_factor=2.0, mode="bilinear")


def _pooled(features: Tensor, labels: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Mean and standard deviation (count, C) of features (C, R, C) on each label; 0 and 0.01 for one without cells."""
    flat = labels.reshape(-1)
    inside = flat >= 0
    values, owner = features.reshape(len(features), -1).T[inside].float(), flat[inside]
    cells = torch.zeros(count).index_add_(0, owner, torch.ones(len(owner))).clamp(min=1.0)[:, None]
    mean = torch.zeros(count, values.shape[1]).index_add_(0, owner, values) / cells
    variance = torch.zeros(count, values.shape[1]).index_add_(0, owner, (values - mean[owner]) ** 2) / cells
    return mean, (variance + 1e-4).sqrt()
