"""What a mode of attention may tell about every object in view, besides the one place to act on."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, NamedTuple, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.datatypes import Heightmap
from impurity_grasp_ros.errors import ConfigError


class SeenObject(NamedTuple):
    """An object as a mode of attention saw it.

    Attributes:
        mask: (R, C) bool, its cells of the whole heightmap.
        odd: Probability that it is a target, 0..1.
    """

    mask: NDArray[np.bool_]
    odd: float


@runtime_checkable
class ObjectMemory(Protocol):
    """The memory of a mode of attention that tells objects apart.

    A mode offers its objects by returning a memory with this attribute; nothing has to be registered. They are used to
    measure the mode, never to act.
    """

    @property
    def objects(self) -> Iterable[tuple[NDArray[np.bool_], float]]:
        """The objects in the view that the memory was returned with, each once; pairs like :class:`SeenObject`."""
        ...


def seen_objects(memory: Any, heightmap: Heightmap) -> tuple[SeenObject, ...] | None:
    """Get the objects that a mode of attention offers.

    Args:
        memory: As the mode returned it with its attention.
        heightmap: The view.

    Returns:
        The objects; None if the mode does not tell objects apart.

    Raises:
        ConfigError: An object has no mask of the heightmap's cells, or no probability.
    """
    if not isinstance(memory, ObjectMemory):
        return None
    return tuple(_checked(item, heightmap.valid.shape) for item in memory.objects)


def _checked(item: Any, shape: tuple[int, ...]) -> SeenObject:
    try:
        mask, odd = item
    except (TypeError, ValueError) as error:
        raise ConfigError(f"objects: expected pairs of mask and probability, received {type(item).__name__}") from error
    if not isinstance(mask, np.ndarray) or mask.shape != shape or mask.dtype != np.bool_ or not mask.any():
        received = f"{mask.shape} of {mask.dtype}" if isinstance(mask, np.ndarray) else type(mask).__name__
        raise ConfigError(f"objects: expected a mask {shape} of bool that is not empty, received {received}")
    if not (isinstance(odd, int | float | np.floating) and 0.0 <= odd <= 1.0):  # also false for NaN
        raise ConfigError(f"objects: expected a probability from 0 to 1, received {odd}")
    return SeenObject(mask, float(odd))
