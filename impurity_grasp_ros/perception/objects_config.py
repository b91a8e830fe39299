"""Parameters of attention mode ``objects``; importing them does not import torch."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter

ORDERS = ("accessible", "certain")


@dataclass(frozen=True)
class SegmentationConfig:
    """When cells form an object."""

    seed_level: float = parameter("least probability of being inside at which cells form a seed", low=0.05, high=0.95)
    min_seed: int = parameter("cells of the smallest seed", low=1, high=200)
    min_part: int = parameter("cells of the smallest part into which a seed is divided", low=1, high=200)
    min_cells: int = parameter("cells of the smallest object that is judged", low=4, high=1000)


@dataclass(frozen=True)
class OddnessConfig:
    """When an object is odd, and what is remembered."""

    min_probability: float = parameter(
        "least probability of being odd at which an object is a target", low=0.05, high=0.99
    )
    surely_ordinary: float = parameter(
        "probability of being odd below which an object is remembered as ordinary", low=0.001, high=0.5
    )
    surely_odd: float = parameter(
        "probability of being odd above which an object is remembered as odd", low=0.5, high=0.999
    )
    max_remembered: int = parameter("objects remembered from later views, the newest ones", low=0, high=256)
    far: float = parameter(
        "similarity (cosine) below which an object is unlike all that were taught or seen first",
        low=-1.0,
        high=1.0,
    )


@dataclass(frozen=True)
class SizesConfig:
    """When a high object is a single one and not a pile: when it has the size of others."""

    max_height: float = parameter("m; an object that is less high is a single one", low=0.0, high=0.3)
    max_higher: float = parameter(
        "share of what surrounds an object that may be higher for its size to be known", low=0.0, high=1.0
    )
    tolerance: float = parameter("m by which the edges of objects of one size may differ", low=0.0, high=0.05)
    least: int = parameter("single objects of the same size that must be known", low=1, high=100)


@dataclass(frozen=True)
class ObjectsConfig:
    """How objects are found and judged."""

    segmentation: SegmentationConfig
    oddness: OddnessConfig
    sizes: SizesConfig
    weights: str = parameter("path of the network's weights; empty for the shipped ones")
    ordinary_model: str = parameter("path of a model of ordinary objects that was taught; empty for none")
    order: str = parameter(
        "which of several targets comes first: the most accessible or the most certain", choices=ORDERS
    )
