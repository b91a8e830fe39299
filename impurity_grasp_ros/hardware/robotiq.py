"""Driver of the real gripper: a Robotiq 2F-85 or 2F-140, through the socket of its URCap."""

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
from impurity_grasp_ros.hardware.robotiq_faults import fault_words

ACTIVE, MOVING, STALLED_CLOSING = 3, 0, 2
"""Values of the registers: STA of an active gripper; OBJ of moving fingers, and of fingers that an object stopped."""

INACTIVE = "the gripper is not active; recovery activates it, and moves its fingers"

RECOVERY_TIME = 12.0
"""Seconds that a reset and an activation may take."""

START_TIME = 0.15
"""Seconds after a command in which the fingers count as moving even if they have not started yet."""


@dataclass(frozen=True)
class RobotiqConfig:
    """Settings of the gripper driver."""

    speed: int = parameter("register SPE: 20 to 150 mm/s with the 2F-85, 30 to 250 with the 2F-140", low=0, high=255)
    force: int = parameter("register FOR: 20 to 235 N with the 2F-85, 10 to 125 with the 2F-140", low=0, high=255)
    open_count: int = parameter("position register when the fingers are fully open", low=0, high=50)
    closed_count: int = parameter("position register when the fingers are closed", low=150, high=255)
    timeout: float = parameter("s to wait for an answer", low=0.1, high=5.0)
    activation_timeout: float = parameter("s to wait for the activation", low=1.0, high=30.0)
    retry: float = parameter("s between checks, and between attempts to connect", low=0.2, high=30.0)


class RobotiqGripper:
    """The ``GripperDriver`` protocol for the URCap. A thread connects to the gripper and monitors it.

    Activation moves the fingers; it happens once at the start, and later only on request.

    Args:
        host: Address of the controller on which the URCap runs.
        config: Settings of the driver.
        stroke: Distance in meters between the pads of the open gripper.

    Raises:
        DeviceFaultError: In every method of the ``Gripper`` protocol, while the gripper is not ready.
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
        """The last measured opening in meters, without asking the gripper; None before the first measurement."""
        return self._last_opening

    def problem(self) -> str:
        """Why the gripper cannot move, empty if it can."""
        return self._problem

    def values(self) -> dict[str, str]:
        """The last measured opening and the fault register."""
        opening = self._last_opening
        return {"opening_m": "unknown" if opening is None else f"{opening:.4f}", "fault": str(self._fault)}

    def start_motion(self, opening: float) -> None:
        """Start moving the fingers to ``opening`` meters."""
        count = self._count(opening)
        self._ask(lambda client: client.move(count, self._config.speed, self._config.force, wait=False))
        self._started = time.monotonic()

    def is_moving(self) -> bool:
        """Whether the fingers are still moving; a reported fault is raised as DeviceFaultError."""
        moving = int(self._ask(lambda client: client.get_object_status())) == MOVING
        self._fault = int(self._ask(lambda client: client.get_fault()))
        if self._fault:
            raise DeviceFaultError(f"expected a gripper without a fault: {fault_words(self._fault)}")
        return moving or time.monotonic() - self._started < START_TIME

    def opening(self) -> float:
        """The measured distance between the fingers in meters."""
        config = self._config
        count = int(self._ask(lambda client: client.get_position()))
        closed = (count - config.open_count) / (config.closed_count - config.open_count)
        self._last_opening = self._stroke * (1.0 - min(max(closed, 0.0), 1.0))
        return self._last_opening

    def is_holding(self) -> bool:
        """Whether an object stopped the fingers while they closed, and they still touch it."""
        return int(self._ask(lambda client: client.get_object_status())) == STALLED_CLOSING

    def wait_until_ready(self, timeout: float) -> None:
        """Wait up to ``timeout`` seconds until the gripper is active.

        Raises:
            DeviceFaultError: The gripper was not ready in time; the message says why.
        """
        await_ready("the gripper", self.problem, timeout)

    def recover(self, must_stop: Callable[[], bool] = lambda: False) -> None:
        """Reset and activate a gripper that has a problem or a fault, which moves the fingers.

        Call it only at a person's request. If it fails, the fingers will not be moved later on.

        Args:
            must_stop: Called repeatedly while waiting; returns whether to stop.

        Raises:
            DeviceFaultError: The gripper was not ready in time; the message says why.
            CanceledError: ``must_stop`` returned true.
        """
        if not (self._problem or self._fault):
            return
        with self._lock:
            self._may_activate = self._must_reset = True
            self._disconnect("a reset was requested")
        try:
            await_ready("the gripper", self.problem, RECOVERY_TIME, must_stop)
        except ImpurityGraspError:
            with self._lock:
                self._may_activate = self._must_reset = False
            raise

    def close(self) -> None:
        """Close the connection; the fingers keep holding what they hold."""
        self._closing.set()
        self._thread.join(self._config.activation_timeout + 2 * self._config.timeout)
        with self._lock:
            self._disconnect("closed")

    def _count(self, opening: float) -> int:
        config = self._config
        share = min(max(opening / self._stroke, 0.0), 1.0)
        return round(config.closed_count - (config.closed_count - config.open_count) * share)

    def _ask(self, question: Any) -> Any:
        with self._lock:
            if self._client is None or self._problem:
                raise DeviceFaultError(f"expected the gripper to be ready: {self._problem}")
            return self._try(question)

    def _try(self, question: Any) -> Any:
        """Call ``question`` with the client; a failure ends the connection. The lock is held."""
        try:
            return question(self._client)
        except (OSError, ValueError, RuntimeError) as error:
            self._disconnect(f"the gripper at {self._host} does not answer: {error or type(error).__name__}")
            raise DeviceFaultError(f"expected an answer from the gripper: {self._problem}") from error

    def _disconnect(self, problem: str) -> None:
        """Close the connection because of a problem. The lock is held."""
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
                    self._monitor()
            self._closing.wait(self._config.retry)

    def _monitor(self) -> None:
        """Check for a lost connection, a fault, or a lost activation, as after a power failure."""
        with self._lock:
            if self._client is None:
                return
            if not self._is_active():
                self._disconnect(INACTIVE)
                return
            self._read_fault()

    def _read_fault(self) -> None:
        """Make a fault the problem as long as it lasts. The lock is held, and the gripper is active."""
        self._fault = int(self._try(lambda client: client.get_fault()))
        self._problem = fault_words(self._fault) if self._fault else ""

    def _is_active(self) -> bool:
        """Whether the gripper is active. The lock is held."""
        return int(self._try(lambda client: client.get_status())) == ACTIVE

    def _connect(self) -> None:
        """Connect, activate if necessary, and wait until active, with deadlines that the library lacks."""
        from pyrobotiqur import RobotiqGripper as Client

        with self._lock:
            self._client = Client(self._host, timeout=self._config.timeout)
            self._try(lambda client: client.connect())
            if self._must_reset:
                self._try(lambda client: client.set_var("ACT", 0))
            if self._must_reset or not self._is_active():
                if not self._may_activate:
                    self._disconnect(INACTIVE)
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
                    self._read_fault()
                    return
                if time.monotonic() > deadline:
                    self._disconnect(f"the gripper was not active within {self._config.activation_timeout:g} s")
                    return
            time.sleep(0.05)
