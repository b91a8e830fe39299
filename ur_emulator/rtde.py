"""The Real-Time Data Exchange interface on port 30004, protocol version 2 (Universal Robots, RTDE guide)."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from ur_emulator.controller import Controller
from ur_emulator.errors import RtdeError
from ur_emulator.variables import INPUTS, OUTPUTS, Readings

HEADER = struct.Struct(">HB")
REQUEST_VERSION, CONTROLLER_VERSION = ord("V"), ord("v")
SETUP_OUTPUTS, SETUP_INPUTS = ord("O"), ord("I")
START, PAUSE, DATA = ord("S"), ord("P"), ord("U")
ACCEPTED = b"\x01"

MIN_FREQUENCY, MAX_FREQUENCY = 1.0, 500.0
"""Output rates in Hz that a client can request."""

MAX_RECIPES = 255
"""Largest number of input recipes, which are numbered by one byte."""

FORMATS = {
    "BOOL": "?", "UINT8": "B", "UINT32": "I", "UINT64": "Q", "INT32": "i", "DOUBLE": "d",
    "VECTOR3D": "3d", "VECTOR6D": "6d", "VECTOR6INT32": "6i",
}  # fmt: skip
"""Format characters of the struct module by RTDE type."""


@dataclass(frozen=True)
class Recipe:
    """The variables of a data packet.

    Attributes:
        names: Names of the variables in the order of the packet.
        layout: Layout of the packet: the recipe's number, then the values.
        sizes: Count of numbers per variable.
    """

    names: tuple[str, ...]
    layout: struct.Struct
    sizes: tuple[int, ...]


@dataclass(eq=False)
class Client:
    """State of one connection.

    Attributes:
        controller: The emulated controller.
        inputs: Input recipes by number.
        outputs: The output recipe, once the client has set one up.
        started: Whether output packets are sent.
        every: Control cycles between two output packets.
    """

    controller: Controller
    inputs: dict[int, Recipe] = field(default_factory=dict)
    outputs: Recipe | None = None
    started: bool = False
    every: int = 1
    _cycles: int = 0

    def answer(self, kind: int, payload: bytes) -> bytes:
        """Process a packet.

        Args:
            kind: Type of the packet.
            payload: Content after the header.

        Returns:
            The reply with its header; empty for a data packet.

        Raises:
            RtdeError: The packet violates the protocol.
            struct.error: The packet is too short.
        """
        if kind == DATA:
            self._receive(payload)
            return b""
        if kind == REQUEST_VERSION:
            return packet(kind, ACCEPTED if payload == b"\x00\x02" else b"\x00")
        if kind == CONTROLLER_VERSION:
            return packet(kind, struct.pack(">4I", *self.controller.personality.version))
        if kind == SETUP_OUTPUTS:
            return packet(kind, self._set_up_outputs(payload))
        if kind == SETUP_INPUTS:
            return packet(kind, self._set_up_inputs(payload))
        if kind in (START, PAUSE):
            self.started = kind == START
            return packet(kind, ACCEPTED)
        raise RtdeError(f"expected an RTDE packet, received type {kind}")

    def publish(self, readings: Readings) -> bytes:
        """Data packet for this control cycle; empty when none is due."""
        self._cycles += 1
        if not self.started or self.outputs is None or self._cycles % self.every:
            return b""
        values = [value for name in self.outputs.names for value in readings[name]]
        return packet(DATA, self.outputs.layout.pack(1, *values))

    def close(self) -> None:
        """Release the inputs that the client has reserved."""
        self.controller.registers.release(self)

    def _set_up_outputs(self, payload: bytes) -> bytes:
        (frequency,) = struct.unpack(">d", payload[:8])
        if not 0.0 <= frequency <= MAX_FREQUENCY:
            raise RtdeError(f"expected an output frequency of 0 to {MAX_FREQUENCY:g} Hz, received {frequency}")
        names = _names(payload[8:])
        types = [OUTPUTS.type_of(name) for name in names]
        rate = self.controller.personality.rate
        self.every = round(rate / max(frequency, MIN_FREQUENCY)) if 0.0 < frequency < rate else 1
        known = None not in types
        self.outputs = _recipe(names, [kind or "" for kind in types]) if known else None
        return bytes([known]) + ",".join(kind or "NOT_FOUND" for kind in types).encode()

    def _set_up_inputs(self, payload: bytes) -> bytes:
        names = _names(payload)
        types = [INPUTS.type_of(name) for name in names]
        free = [self.controller.registers.is_free(name, self) for name in names]
        number = 0
        if len(self.inputs) == MAX_RECIPES:
            raise RtdeError(f"expected at most {MAX_RECIPES} recipes of inputs, received another one")
        if None not in types and all(free):
            number = len(self.inputs) + 1
            self.inputs[number] = _recipe(names, [kind or "" for kind in types])
            self.controller.registers.claim(names, self)
        replies = [kind or "NOT_FOUND" if ok else "IN_USE" for kind, ok in zip(types, free, strict=True)]
        return bytes([number]) + ",".join(replies).encode()

    def _receive(self, payload: bytes) -> None:
        recipe = self.inputs.get(payload[0]) if payload else None
        if recipe is None or len(payload) != recipe.layout.size:
            raise RtdeError(f"expected data of a registered recipe, received {len(payload)} bytes of {payload[:1]!r}")
        _, *values = recipe.layout.unpack(payload)
        for name, size in zip(recipe.names, recipe.sizes, strict=True):
            own, values = values[:size], values[size:]
            self.controller.registers.write(name, own[0] if size == 1 else own, self.controller.time)
        self._apply(recipe.names)

    def _apply(self, names: Sequence[str]) -> None:
        controller, read = self.controller, self.controller.registers.read
        if "speed_slider_fraction" in names:
            fraction = read("speed_slider_fraction")
            if not math.isfinite(fraction):
                raise RtdeError(f"expected a finite speed_slider_fraction, received {fraction}")
            controller.arm.speed_slider = fraction
        if "standard_digital_output_mask" in names:
            mask, value = int(read("standard_digital_output_mask")), int(read("standard_digital_output"))
            controller.digital_outputs = controller.digital_outputs & ~mask | value & mask


def header(data: bytes) -> tuple[int, int]:
    """Parse the header of a packet.

    Returns:
        Size of the payload in bytes, and type of the packet.

    Raises:
        RtdeError: The size is smaller than the header itself.
    """
    size, kind = HEADER.unpack(data)
    if size < HEADER.size:
        raise RtdeError(f"expected an RTDE packet of at least {HEADER.size} bytes, received a size of {size}")
    return size - HEADER.size, kind


def packet(kind: int, payload: bytes) -> bytes:
    """Build a packet: header and payload."""
    return HEADER.pack(HEADER.size + len(payload), kind) + payload


def _names(payload: bytes) -> list[str]:
    return [name for name in payload.decode("ascii", "replace").split(",") if name]


def _recipe(names: Sequence[str], types: Sequence[str]) -> Recipe:
    formats = [FORMATS[kind] for kind in types]
    sizes = tuple(int(code[:-1] or 1) for code in formats)
    return Recipe(tuple(names), struct.Struct(">B" + "".join(formats)), sizes)
