"""Configuration of the judged actor."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter


@dataclass(frozen=True)
class JudgedConfig:
    """How many actions are judged, and what counts. Everything is expressed in actions, which take about 5 s each."""

    weights: str = parameter("file with the weights of the judge; empty: the shipped ones")
    grasps: int = parameter("grasps that are judged", low=1, high=64)
    pushes: int = parameter("pushes that are judged", low=1, high=64)
    refine: bool = parameter("whether the best grasps are varied by small turns and shifts")
    failure_actions: float = parameter("further actions that are expected after a failure", low=0.5, high=10.0)
    product_actions: float = parameter("actions that one lost ordinary object is worth", low=0.0, high=30.0)
    aside_after: int = parameter(
        "pushes in a row after which the top of a pile that shows no target is put aside; 0: nothing is put aside",
        low=0,
        high=10,
    )
    think: float = parameter(
        "s for which the best pushes are tried in a simulated copy of what is seen; 0: not at all",
        low=0.0,
        high=10.0,
    )
    doubt: float = parameter(
        "factor on the probability of success of grasps for each failed one of the latest attempts in a row",
        low=0.0,
        high=1.0,
    )
