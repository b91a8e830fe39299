"""Quantiles of small arrays, several times as fast as ``np.quantile``."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def quantiles(values: NDArray[np.floating], levels: Sequence[float]) -> NDArray[np.floating]:
    """Compute quantiles along the last axis, interpolated linearly as ``np.quantile`` does by default.

    Args:
        values: (..., n), n at least 1.
        levels: The k levels, 0..1.

    Returns:
        (k, ...).
    """
    ordered = np.sort(values, axis=-1)
    place = np.asarray(levels) * (ordered.shape[-1] - 1)
    low = place.astype(np.intp)
    high = np.minimum(low + 1, ordered.shape[-1] - 1)
    found: NDArray[np.floating] = ordered[..., low] + (place - low) * (ordered[..., high] - ordered[..., low])
    return np.moveaxis(found, -1, 0)
