"""Decide where to act next (paper, algorithm 1): on a target in view, else on a dense group of objects, else nowhere.

Other packages can add modes through entry points of group ``impurity_grasp.attentions``.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.datatypes import Attention, Heightmap
from impurity_grasp_ros.perception.ablations import target_only, whole_workspace, without_inference
from impurity_grasp_ros.perception.appearance import Appearance, AppearanceConfig
from impurity_grasp_ros.perception.belief import Belief
from impurity_grasp_ros.perception.hidden_config import HEIGHT, LEARNED, HiddenConfig
from impurity_grasp_ros.perception.objects_config import ObjectsConfig
from impurity_grasp_ros.perception.occlusion import OcclusionConfig, object_cells
from impurity_grasp_ros.perception.saliency import SaliencyConfig, check_image
from impurity_grasp_ros.perception.target import TargetConfig, find_most_salient, find_outlier
from impurity_grasp_ros.perception.where_to_act import NOTHING_KNOWN, attention_on
from impurity_grasp_ros.registry import Registry

OBJECTS = "objects"
"""The mode that can be taught what is ordinary."""


@dataclass(frozen=True)
class AttentionConfig:
    """How targets are told apart from ordinary objects, and where they may be hidden.

    Raises:
        ConfigError: There is no such mode.
    """

    target: TargetConfig
    appearance: AppearanceConfig
    saliency: SaliencyConfig
    occlusion: OcclusionConfig
    objects: ObjectsConfig
    hidden: HiddenConfig
    max_unseen: float = parameter("m; never CLEAR while a square of this size has not been seen", low=0.01, high=0.5)
    mode: str = parameter(
        "objects: the target is the object that looks unlike the others; outlier: the color that is unlike the others; "
        "vocus2: what is most salient, as published; "
        "heights, no-inference, target-only, whole: ablations; or the name of a mode in another package"
    )

    def __post_init__(self) -> None:
        """Raise ConfigError for an unknown mode."""
        ATTENTIONS.check(self.mode)


Attend = Callable[[Heightmap, Any, AttentionConfig, Belief], tuple[Attention, Any]]
"""A mode of attention.

It takes a heightmap, what it remembers of the job's previous view, None in the first view, its settings, and what is
believed about hidden objects, to be passed to :func:`.where_to_act.attention_on`. It returns the attention and what to
remember for the next view. It may raise InvalidFrameError and ViewIncompleteError.
"""


def attend(
    heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief = NOTHING_KNOWN
) -> tuple[Attention, Any]:
    """Find a target, or the group of objects that could hide one.

    Args:
        heightmap: The view.
        memory: The memory that was returned for the previous view of this job; None for the first view.
        config: The mode and its settings.
        belief: What earlier views and actions of this job tell about hidden objects.

    Returns:
        The attention, and the memory to pass with the next view.

    Raises:
        InvalidFrameError: The colors are not uint8 RGB.
        ViewIncompleteError: The state would be CLEAR, but a target may lie in a place that was not seen.
        ConfigError: There is no such mode.
    """
    return ATTENTIONS.find(config.mode)(heightmap, memory, config, belief)


def prepare(config: AttentionConfig) -> None:
    """Load what the first view would otherwise wait for: libraries and networks, each once.

    Args:
        config: The mode and its settings.

    Raises:
        CheckpointError: Weights cannot be used.
    """
    if config.hidden.method == LEARNED:
        from impurity_grasp_ros.perception.hidden_objects import network_of as hidden_network_of

        hidden_network_of(config.hidden)
    if config.mode == OBJECTS or config.target.few_objects:
        from impurity_grasp_ros.perception.odd_objects import network_of

        network_of(config.objects)


def _outlier(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig, belief: Belief
) -> tuple[Attention, Appearance | None]:
    """Mode in which the target is what looks unlike the ordinary objects, as learned from the job's first view."""
    check_image(heightmap.color)
    objects = object_cells(heightmap, config.occlusion)
    labels = _few(heightmap, objects, config) if appearance is None else None
    detection, appearance = find_outlier(
        heightmap, objects, appearance, config.target, config.appearance, config.saliency, labels
    )
    return attention_on(heightmap, detection, config, belief), appearance


def _few(heightmap: Heightmap, objects: NDArray[np.bool_], config: AttentionConfig) -> NDArray[np.int64] | None:
    """The object of each cell if there are only a few, so that a large one could cover most of the cells."""
    if heightmap.fine_color is None or not config.target.few_objects or not objects.any():
        return None
    from impurity_grasp_ros.perception.odd_objects import network_of, segmented  # torch takes its time

    labels = segmented(network_of(config.objects), heightmap, objects, config.objects.segmentation)
    return labels if 2 < labels.max() + 1 <= config.target.few_objects else None


def _outlier_or_heap(
    heightmap: Heightmap, appearance: Appearance | None, config: AttentionConfig, belief: Belief
) -> tuple[Attention, Appearance | None]:
    """The same with fixed heights of what could hide a target."""
    return _outlier(heightmap, appearance, replace(config, hidden=replace(config.hidden, method=HEIGHT)), belief)


def _odd_object(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
    """Mode in which the target is the object that looks unlike the others."""
    check_image(heightmap.color)
    from impurity_grasp_ros.perception.odd_objects import find_odd_objects  # torch takes its time

    objects = object_cells(heightmap, config.occlusion)
    detection, memory = find_odd_objects(heightmap, objects, memory, config.objects)
    attention = attention_on(heightmap, detection, config, belief, memory.single)
    return replace(attention, unfamiliar=memory.unfamiliar), memory


def _most_salient(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
    """Mode in which the target is the most salient region, as published."""
    check_image(heightmap.color)
    detection = find_most_salient(heightmap, config.target, config.saliency)
    return attention_on(heightmap, detection, config, belief), memory


def _ablated(ablate: Callable[[Attention, Heightmap], Attention]) -> Attend:
    """Return the outlier mode with a part of its attention removed (paper, section 6.3.2)."""

    def mode(heightmap: Heightmap, memory: Any, config: AttentionConfig, belief: Belief) -> tuple[Attention, Any]:
        attention, memory = _outlier(heightmap, memory, config, belief)
        return ablate(attention, heightmap), memory

    return mode


ATTENTIONS: Registry[Attend] = Registry(
    "mode",
    "impurity_grasp.attentions",
    {
        OBJECTS: _odd_object,
        "outlier": _outlier,
        "vocus2": _most_salient,
        "heights": _outlier_or_heap,
        "no-inference": _ablated(without_inference),
        "target-only": _ablated(target_only),
        "whole": _ablated(whole_workspace),
    },
)
