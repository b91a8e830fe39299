"""Faults on request: every line on the fault port is a JSON object, answered with the state of the robot.

``README.md`` in this folder lists the requests.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ur_emulator.controller import Controller
from ur_emulator.gripper import IdealFingers, UrcapGripper
from ur_emulator.plant import IdealArm


class Network(Protocol):
    """The servers around a controller."""

    def drop(self, service: str) -> None:
        """Abort all connections of a service."""
        ...

    def close(self, service: str) -> None:
        """Abort all connections of a service and refuse new ones until :meth:`open`."""
        ...

    def open(self, service: str) -> None:
        """Accept connections to a service again."""
        ...

    def freeze(self, seconds: float) -> None:
        """Compute and send nothing for some seconds, as a controller that hangs."""
        ...

    def delay(self, seconds: float) -> None:
        """Delay RTDE packets in both directions by some seconds."""
        ...

    def drip(self, seconds_per_byte: float) -> None:
        """Send the dashboard's answers byte by byte; 0 sends them at once."""
        ...


class FaultInjector:
    """Carries out the requests of the fault port.

    Args:
        controller: The emulated controller.
        gripper: The emulated gripper.
        network: The servers around both.
        requests: Handlers of further requests, by name.
    """

    def __init__(
        self,
        controller: Controller,
        gripper: UrcapGripper,
        network: Network,
        requests: Mapping[str, Callable[..., object]],
    ) -> None:
        self._controller = controller
        self._gripper = gripper
        arm = controller.arm
        self._actions: dict[str, Callable[..., object]] = {
            "state": lambda: None,
            "safeguard_stop": lambda seconds: controller.safeguard_stop(_nonnegative(seconds)),
            "protective_stop": lambda: controller.protective_stop("injected"),
            "unlock": controller.unlock,
            "emergency_stop": controller.emergency_stop,
            "release_emergency_stop": controller.release_emergency_stop,
            "stop_program": lambda: controller.stop_program("stopped on the pendant"),
            "remote_control": lambda on: setattr(controller, "remote_control", bool(on)),
            "speed_slider": lambda fraction: setattr(arm, "speed_slider", _nonnegative(fraction)),
            "digital_input": lambda number, on: controller.set_digital_input(int(number), bool(on)),
            "power_off": controller.power_off,
            "drop": network.drop,
            "close": network.close,
            "open": network.open,
            "freeze": lambda seconds: network.freeze(_nonnegative(seconds)),
            "delay": lambda seconds: network.delay(_nonnegative(seconds)),
            "dashboard_drip": lambda seconds_per_byte: network.drip(_nonnegative(seconds_per_byte)),
            "gripper_fault": lambda number, stays=False: gripper.fail(int(number), stays=bool(stays)),
            "gripper_jam": lambda opening=None, on=True: gripper.jam(_opening(opening), on=bool(on)),
            "gripper_activates": lambda on: setattr(gripper, "activates", bool(on)),
            "gripper_power_cycle": gripper.power_cycle,
            "gripper_answers": lambda on: setattr(gripper, "answers", bool(on)),
            **requests,
        }
        if isinstance(arm.plant, IdealArm):
            self._actions["force"] = lambda newtons: setattr(arm.plant, "force", _vector(newtons))
        if isinstance(gripper.fingers, IdealFingers):
            self._actions["object"] = lambda opening: setattr(gripper.fingers, "obstacle", _opening(opening))

    def answer(self, line: str) -> str:
        """Carry out a request.

        Args:
            line: JSON object with the name of the request under ``do``, and its arguments.

        Returns:
            JSON object with the state of the robot, or with ``error`` for an invalid request.
        """
        try:
            request = dict(json.loads(line))
            self._actions[request.pop("do")](**request)
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
            return json.dumps({"error": f"expected one of {sorted(self._actions)} with its arguments: {error!r}"})
        return json.dumps(self._state())

    def _state(self) -> dict[str, Any]:
        controller, arm, gripper = self._controller, self._controller.arm, self._gripper
        return {
            "time": controller.time,
            "joints": arm.measured.joints.tolist(),
            "speeds": arm.measured.speeds.tolist(),
            "robot_mode": controller.robot_mode.name,
            "safety_mode": controller.safety_mode.name,
            "runtime_state": controller.runtime_state.name,
            "pace": arm.pace,
            "behind": arm.measured.behind,
            "payload": arm.payload,
            "gripper_status": gripper.status.name,
            "gripper_fault": gripper.fault,
            "object_state": gripper.object_state().name,
            "events": list(controller.events),
        }


def _vector(newtons: Any) -> NDArray[np.float64]:
    vector = np.array(newtons, np.float64).reshape(3)
    if not np.isfinite(vector).all():
        raise ValueError(f"expected three finite numbers, received {newtons}")
    return vector


def _nonnegative(value: Any) -> float:
    number = float(value)
    if not 0.0 <= number < np.inf:
        raise ValueError(f"expected a finite number of at least 0, received {value}")
    return number


def _opening(meters: Any) -> float | None:
    return None if meters is None else _nonnegative(meters)
