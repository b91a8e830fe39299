"""Settings of the UR driver."""

from __future__ import annotations

from dataclasses import dataclass

from impurity_grasp_ros.config import parameter


@dataclass(frozen=True)
class UrConfig:
    """Payload, watchdog and timeouts for a UR controller."""

    payload: float = parameter("kg; gripper with fingers and coupling", low=0.0, high=5.0)
    payload_center: tuple[float, float, float] = parameter("m; center of gravity from the flange", low=-0.5, high=0.5)
    stop_deceleration: float = parameter("rad/s2 of the leading axis when the arm is stopped", low=1.0, high=30.0)
    watchdog_frequency: float = parameter("Hz below which the watchdog stops the program", low=2.0, high=50.0)
    stale_after: float = parameter("s without a reading after which the link is considered lost", low=0.05, high=2.0)
    command_timeout: float = parameter("s for the controller to accept a command", low=0.2, high=10.0)
    connect_timeout: float = parameter("s for connecting, including the upload of the program", low=1.0, high=60.0)
    retry_first: float = parameter("s before the first attempt to reconnect", low=0.1, high=10.0)
    retry_longest: float = parameter("s at most between two attempts", low=0.5, high=60.0)
