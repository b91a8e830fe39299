"""Faults on request: a port that takes a JSON object a line and answers with the state.

``{"do": "state"}`` only asks. Of the arm: ``protective_stop``, ``safeguard_stop`` (``seconds`` until it resumes by
itself), ``unlock`` (on the pendant), ``emergency_stop``, ``release_emergency_stop``, ``power_off``, ``stop_program``,
``remote_control`` (``on``), ``speed_slider`` (``fraction``) and, with ideal mechanics, ``force`` (three ``newtons``).
Of the network: ``drop``, ``close`` and ``open`` (``service``), ``freeze`` (``seconds`` of silence), ``delay`` (RTDE
packets come ``seconds`` late, either way), ``dashboard_drip`` (``seconds_per_byte``, 0 ends it). Of the gripper:
``gripper_fault`` (``number`` of the register FLT, 0 clears it; ``stays``: a reset does not clear it), ``gripper_jam``
(the fingers do not move, or stop at an ``opening`` in metres whatever is asked for; ``on`` false frees them),
``gripper_activates`` and ``gripper_answers`` (``on``), ``gripper_power_cycle`` and, with ideal fingers, ``object``
(``opening`` at which they stall).
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

    def delay(self, seconds: float) -> None:
        """Let packets of the RTDE interface arrive that many seconds late, either way."""
        ...

    def drip(self, seconds_per_byte: float) -> None:
        """Send the dashboard's answers byte by byte; 0: as one."""
        ...


class FaultInjector:
    """Carries out requests and tells the state afterwards. others: requests beyond those that are known here."""

    def __init__(
        self,
        controller: Controller,
        gripper: UrcapGripper,
        fingers: object,
        network: Network,
        others: Mapping[str, Callable[..., object]],
    ) -> None:
        self._controller = controller
        self._gripper = gripper
        self._actions: dict[str, Callable[..., object]] = {
            "state": lambda: None,
            "safeguard_stop": lambda seconds: controller.safeguard_stop(_positive(seconds)),
            "protective_stop": lambda: controller.protective_stop("injected"),
            "unlock": controller.unlock,
            "emergency_stop": controller.emergency_stop,
            "release_emergency_stop": controller.release_emergency_stop,
            "stop_program": lambda: controller.stop_program("stopped on the pendant"),
            "remote_control": lambda on: setattr(controller, "remote", bool(on)),
            "speed_slider": lambda fraction: setattr(controller, "slider", _positive(fraction)),
            "power_off": controller.power_off,
            "drop": network.drop,
            "close": network.close,
            "open": network.open,
            "freeze": lambda seconds: network.freeze(_positive(seconds)),
            "delay": lambda seconds: network.delay(_positive(seconds)),
            "dashboard_drip": lambda seconds_per_byte: network.drip(_positive(seconds_per_byte)),
            "gripper_fault": lambda number, stays=False: gripper.fail(int(number), stays=bool(stays)),
            "gripper_jam": lambda opening=None, on=True: gripper.jam(_width(opening), on=bool(on)),
            "gripper_activates": lambda on: setattr(gripper, "activates", bool(on)),
            "gripper_power_cycle": gripper.power_cycle,
            "gripper_answers": lambda on: setattr(gripper, "answers", bool(on)),
            **others,
        }
        if isinstance(controller.plant, IdealArm):
            self._actions["force"] = lambda newtons: setattr(controller.plant, "force", _vector(newtons))
        if isinstance(fingers, IdealFingers):
            self._actions["object"] = lambda opening: setattr(fingers, "obstacle", _width(opening))

    def answer(self, line: str) -> str:
        """Do what a line asks for; returns a JSON object with the state, or with ``error``."""
        try:
            request = dict(json.loads(line))
            self._actions[request.pop("do")](**request)
        except (ValueError, KeyError, TypeError, ArithmeticError, RecursionError) as error:
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
            "pace": controller.pace,
            "behind": controller.measured.behind,
            "payload": controller.payload,
            "gripper_status": self._gripper.status.name,
            "gripper_fault": self._gripper.fault,
            "object_state": self._gripper.object_state().name,
            "events": list(controller.events),
        }


def _vector(newtons: Any) -> NDArray[np.float64]:
    vector = np.array(newtons, np.float64).reshape(3)
    if not np.isfinite(vector).all():
        raise ValueError(f"expected three finite numbers, received {newtons}")
    return vector


def _positive(value: Any) -> float:
    number = float(value)
    if not 0.0 <= number < np.inf:
        raise ValueError(f"expected a finite number of at least 0, received {value}")
    return number


def _width(opening: Any) -> float | None:
    return None if opening is None else _positive(opening)
