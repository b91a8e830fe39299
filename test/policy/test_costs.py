"""The shipped costs of actions, and the values that are refused."""

import pytest

from impurity_grasp_ros.config import from_mapping, packaged_parameters
from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.policy.actors import PolicyNodeConfig
from impurity_grasp_ros.policy.costs import CostConfig

VALUES = {"misfit_cost": 250.0, "push_cost": 1.3, "failure_cost": 0.3}


def test_the_shipped_costs() -> None:
    shipped = packaged_parameters("policy_node", PolicyNodeConfig)
    assert shipped.learned == CostConfig(misfit_cost=250.0, push_cost=1.3, failure_cost=0.3)
    assert shipped.vpg == CostConfig(misfit_cost=0.0, push_cost=0.0, failure_cost=0.0)


@pytest.mark.parametrize("name", VALUES)
@pytest.mark.parametrize("value", [-0.01, 2000.01])
def test_a_cost_out_of_range_is_refused(name: str, value: float) -> None:
    with pytest.raises(ConfigError, match=rf"^{name}: expected a value in \[0\.0, "):
        from_mapping(CostConfig, {**VALUES, name: value})
