"""Fast quantiles are those of NumPy."""

import numpy as np
import pytest

from impurity_grasp_ros.perception.quantiles import quantiles


@pytest.mark.parametrize("shape", [(1,), (2,), (37,), (3, 1), (3, 50)])
def test_quantiles_are_those_of_numpy(shape: tuple[int, ...]) -> None:
    values = np.random.default_rng(0).normal(size=shape)
    levels = (0.0, 0.05, 0.5, 0.731, 1.0)
    np.testing.assert_allclose(quantiles(values, levels), np.quantile(values, levels, axis=-1), rtol=1e-12)
