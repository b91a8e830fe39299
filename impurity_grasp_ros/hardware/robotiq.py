"""The real gripper: a Robotiq 2F-85 or 2F-140 over the socket of its URCap."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from impurity_grasp_ros.config import parameter
from impurity_grasp_ros.errors import DeviceFaultError, ImpurityGraspError
from impurity_grasp_ros.hardware.readiness import await_ready

ACTIVE, MOVING, STALLED_CLOSING = 3, 0, 2
WAIT = "wait; it ends by itself once its cause does"
RESET = "look at fingers, cable and power, then `recover`: it resets the gripper, and the fingers move"
FAULTS = {
    5: ("action delayed, activation must be completed first", WAIT),
    7: ("the activation bit must be set before an action", RESET),
    8: ("maximum temperature exceeded", "let it cool down; " + WAIT),
    9: ("no communication for a second", WAIT),
    10: ("supply voltage too low", RESET),
    11: ("automatic release in progress", RESET),
    12: ("internal fault", RESET),
    13: ("activation fault", RESET),
    14: ("overcurrent", RESET),
    15: ("automatic release completed", RESET),
}
"""Fault register: meaning and what to do (Robotiq 2F-85 manual, section on status registers)."""

INACTIVE = "the gripper is not active any more; recovery activates it, and moves its fingers"

RECOVERY_TIME = 12.0
"""Seconds that a reset and activation may take."""

START_TIME = 0.15
"""Seconds in which the fingers must have started, or have nothing to do."""


@dataclass(frozen=True)
class RobotiqConfig:
    """Settings of the gripper driver."""

    speed: int = parameter(
        "register SPE, 255 is fastest: 20 to 150 mm/s with the 2F-85, 30 to 250 with the 2F-140", low=0, high=255
    )
    force: int = parameter(
        "register FOR, 255 is most: 20 to 235 N with the 2F-85, 10 to 125 with the 2F-140", low=0, high=255
    )
    open_count: int = parameter("position register of fully open fingers", low=0, high=50)
    closed_count: int = parameter("position register of closed fingers", low=150, high=255)
    timeout: float = parameter("s for an answer", low=0.1, high=5.0)
    activation_timeout: float = parameter("s for the activation", low=1.0, high=30.0)
    retry: float = parameter("s between two tries to connect", low=0.2, high=30.0)


class RobotiqGripper:
    """``Gripper`` protocol on the URCap. A thread connects and looks after the gripper, also while nobody uses it.

    Activation moves the fingers: it happens once at the start, and later on request only. Raises DeviceFaultError from
    every method of the protocol while the gripper is not ready.

    Args:
        host: Address of the controller with the URCap.
        config: Settings of the driver.
        stroke: Meters between the pads of the open gripper.
    """

    def __init__(self, host: str, config: RobotiqConfig, stroke: float) -> None:
        self._host = host
        self._config = config
        self._stroke = stroke
        self._lock = threading.Lock()
        self._client: Any = None
        self._problem = f"not yet connected to the gripper at {host}"
        self._last_opening: float | None = None
        self._fault = 0
        self._may_activate = True  # once at the start, later on request
        self._must_reset = False
        self._started = 0.0
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._keep_ready, name="robotiq", daemon=True)
        self._thread.start()

    def last_opening(self) -> float | None:
        """The opening measured last, without asking the gripper; None before the first time."""
        return self._last_opening

    def problem(self) -> str:
        """Why the gripper cannot move, empty when it can."""
        return self._problem

    def values(self) -> dict[str, str]:
        """The opening measured last, and the fault register."""
        opening = self._last_opening
        return {"opening_m": "unknown" if opening is None else f"{opening:.4f}", "fault": str(self._fault)}

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers to ``opening`` metres."""
        count = self._count(opening)
        self._ask(lambda client: client.move(count, self._config.speed, self._config.force, wait=False))
        self._started = time.monotonic()

    def is_moving(self) -> bool:
        """Whether the fingers still move; raises DeviceFaultError when the gripper reports a fault."""
        moving = int(self._ask(lambda client: client.get_object_status())) == MOVING
        self._fault = int(self._ask(lambda client: client.get_fault()))
        if self._fault:
            raise DeviceFaultError(f"expected a gripper without a fault: {fault_words(self._fault)}")
        return moving or time.monotonic() - self._started < START_TIME

    def opening(self) -> float:
        """Measured distance between the fingers in metres."""
        config = self._config
        count = int(self._ask(lambda client: client.get_position()))
        closed = (count - config.open_count) / (config.closed_count - config.open_count)
        self._last_opening = self._stroke * (1.0 - min(max(closed, 0.0), 1.0))
        return self._last_opening

    def is_holding(self) -> bool:
        """Whether the fingers touched something while they closed, and still do."""
        return int(self._ask(lambda client: client.get_object_status())) == STALLED_CLOSING

    def wait_until_ready(self, timeout: float) -> None:
        """Wait for an activated gripper; raises DeviceFaultError with what is in its way."""
        await_ready("a gripper", self.problem, timeout)

    def recover(self, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Reset and activate a gripper that has a problem or a fault, on a person's request: the fingers move.

        A recovery that fails leaves no permission to move the fingers behind.

        Args:
            must_stop: Asked again and again; says when to give up.

        Raises:
            DeviceFaultError: With what is still in the way.
            CanceledError: ``must_stop`` said so.
        """
        if not (self._problem or self._fault):
            return
        with self._lock:
            self._may_activate = self._must_reset = True
            self._lose("a reset was asked for")
        try:
            await_ready("a gripper", self.problem, RECOVERY_TIME, must_stop)
        except ImpurityGraspError:
            with self._lock:
                self._may_activate = self._must_reset = False
            raise

    def close(self) -> None:
        """End the connection; the fingers keep what they hold."""
        self._closing.set()
        self._thread.join(self._config.activation_timeout + 2 * self._config.timeout)
        with self._lock:
            self._lose("closed")

    def _count(self, opening: float) -> int:
        config = self._config
        share = min(max(opening / self._stroke, 0.0), 1.0)
        return round(config.closed_count - (config.closed_count - config.open_count) * share)

    def _ask(self, question: Any) -> Any:
        with self._lock:
            if self._client is None or self._problem:
                raise DeviceFaultError(f"expected a gripper that is ready: {self._problem}")
            return self._try(question)

    def _try(self, question: Any) -> Any:
        """The lock is held."""
        try:
            return question(self._client)
        except (OSError, ValueError, RuntimeError) as error:
            self._lose(f"the gripper at {self._host} does not answer: {error or type(error).__name__}")
            raise DeviceFaultError(f"expected an answer: {self._problem}") from error

    def _lose(self, problem: str) -> None:
        """The lock is held."""
        self._problem = problem
        client, self._client = self._client, None
        if client is not None:
            with contextlib.suppress(OSError):
                client.disconnect()

    def _keep_ready(self) -> None:
        while not self._closing.is_set():
            with contextlib.suppress(DeviceFaultError):
                if self._client is None:
                    self._connect()
                else:
                    self._look_after()
            self._closing.wait(self._config.retry)

    def _look_after(self) -> None:
        """Notice a gripper that is gone, has a fault, or has lost its activation, as it does with its power."""
        with self._lock:
            if self._client is None:
                return
            if not self._is_active():
                self._lose(INACTIVE)
                return
            self._note_fault()

    def _note_fault(self) -> None:
        """The lock is held, the gripper active: a fault is a problem for as long as it stays."""
        self._fault = int(self._try(lambda client: client.get_fault()))
        self._problem = fault_words(self._fault) if self._fault else ""

    def _is_active(self) -> bool:
        """The lock is held."""
        return int(self._try(lambda client: client.get_status())) == ACTIVE

    def _connect(self) -> None:
        """Connect, activate if necessary and wait for it, with the deadlines that the library lacks."""
        from pyrobotiqur import RobotiqGripper as Client

        with self._lock:
            self._client = Client(self._host, timeout=self._config.timeout)
            self._try(lambda client: client.connect())
            if self._must_reset:
                self._try(lambda client: client.set_var("ACT", 0))
            if self._must_reset or not self._is_active():
                if not self._may_activate:
                    self._lose(INACTIVE)
                    return
                self._problem = "the gripper is being activated: keep clear of the fingers"
                self._try(lambda client: client.activate(wait=False))
        self._await_activation()

    def _await_activation(self) -> None:
        deadline = time.monotonic() + self._config.activation_timeout
        while not self._closing.is_set():
            with self._lock:
                if self._client is None:
                    return
                if self._is_active():
                    self._may_activate = self._must_reset = False
                    self._note_fault()
                    return
                if time.monotonic() > deadline:
                    self._lose(f"the gripper was not active within {self._config.activation_timeout:g} s")
                    return
            time.sleep(0.05)


def fault_words(number: int) -> str:
    """What a number in the fault register means, and what to do."""
    meaning, cure = FAULTS.get(number, ("unknown", RESET))
    return f"the gripper reports fault {number}: {meaning}; {cure}"
