"""The target-centric dispersion degree: how far a target stands from its neighbors (paper, section 5.2)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.constants import GRIPPER_STROKE


def dispersion_degree(
    target: NDArray[np.float64], others: NDArray[np.float64], finger_opening: float = GRIPPER_STROKE
) -> float:
    """Target-centric dispersion degree, TCDD (equations 2 and 3): 1 when no object is closer than the finger opening.

    target: (3,) or (2,), others: (K - 1, 3) or (K - 1, 2), centers in meters. A target that is alone is isolated.
    """
    if len(others) == 0:
        return 1.0
    distances = np.linalg.norm(others - target, axis=1)
    return float(np.minimum(distances, finger_opening).mean() / finger_opening)
