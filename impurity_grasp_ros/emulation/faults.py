"""Faults on request: a port that takes a JSON object a line, such as ``{"do": "protective_stop"}``."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.emulation.controller import Controller
from impurity_grasp_ros.emulation.gripper import IdealFingers, UrcapGripper
from impurity_grasp_ros.emulation.plant import IdealArm


class Network(Protocol):
    """The servers around a controller."""

    def drop(self, service: str) -> None:
        """Break all connections of a service."""
        ...

    def close(self, service: str) -> None:
        """Break them, and listen no more until :meth:`open`."""
        ...

    def open(self, service: str) -> None:
        """Listen again."""
        ...

    def freeze(self, seconds: float) -> None:
        """Send and compute nothing for seconds, as a hanging controller."""
        ...


class FaultInjector:
    """Carries out requests and tells the state afterwards. others: requests beyond those that are known here."""

    def __init__(
        self,
        controller: Controller,
        gripper: UrcapGripper,
        fingers: object,
        network: Network,
        others: Mapping[str, Callable[..., None]],
    ) -> None:
        self._controller = controller
        self._gripper = gripper
        self._actions: dict[str, Callable[..., None]] = {
            "state": lambda: None,
            "protective_stop": lambda: controller.protective_stop("injected"),
            "emergency_stop": controller.emergency_stop,
            "release_emergency_stop": controller.release_emergency_stop,
            "stop_program": lambda: controller.stop_program("stopped on the pendant"),
            "remote_control": lambda on: setattr(controller, "remote", bool(on)),
            "speed_slider": lambda fraction: setattr(controller, "slider", float(fraction)),
            "power_off": controller.power_off,
            "drop": network.drop,
            "close": network.close,
            "open": network.open,
            "freeze": network.freeze,
            "gripper_fault": lambda number: setattr(gripper, "fault", int(number)),
            "gripper_activates": lambda on: setattr(gripper, "activates", bool(on)),
            "gripper_power_cycle": gripper.power_cycle,
            "gripper_answers": lambda on: setattr(gripper, "answers", bool(on)),
            **others,
        }
        if isinstance(controller.plant, IdealArm):
            self._actions["force"] = lambda newtons: setattr(controller.plant, "force", _vector(newtons))
        if isinstance(fingers, IdealFingers):
            self._actions["object"] = lambda opening: setattr(fingers, "obstacle", opening)

    def answer(self, line: str) -> str:
        """Do what a line asks for; returns a JSON object with the state, or with ``error``."""
        try:
            request = dict(json.loads(line))
            self._actions[request.pop("do")](**request)
        except (ValueError, KeyError, TypeError) as error:
            return json.dumps({"error": f"expected one of {sorted(self._actions)} with its arguments: {error!r}"})
        return json.dumps(self._state())

    def _state(self) -> dict[str, Any]:
        controller = self._controller
        return {
            "time": controller.time,
            "joints": controller.measured.joints.tolist(),
            "speeds": controller.measured.speeds.tolist(),
            "robot_mode": controller.robot_mode.name,
            "safety_mode": controller.safety_mode.name,
            "runtime_state": controller.runtime_state.name,
            "gripper_status": self._gripper.status.name,
            "object_state": self._gripper.object_state().name,
            "events": list(controller.events),
        }


def _vector(newtons: Any) -> NDArray[np.float64]:
    return np.array(newtons, np.float64).reshape(3)
