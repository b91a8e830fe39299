"""The Real-Time Data Exchange interface, protocol version 2 (Universal Robots, RTDE guide): port 30004."""

from __future__ import annotations

import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from impurity_grasp_ros.errors import ConfigError
from ur_emulator.controller import Controller
from ur_emulator.variables import INPUTS, OUTPUTS, Readings, is_input

HEADER = struct.Struct(">HB")
REQUEST_VERSION, CONTROLLER_VERSION = ord("V"), ord("v")
SETUP_OUTPUTS, SETUP_INPUTS = ord("O"), ord("I")
START, PAUSE, DATA = ord("S"), ord("P"), ord("U")
ACCEPTED = b"\x01"

MIN_FREQUENCY, MAX_FREQUENCY = 1.0, 500.0
"""Hz at which outputs can be asked for."""

MAX_RECIPES = 255
"""Recipes of inputs are numbered by one byte."""

FORMATS = {
    "BOOL": "?", "UINT8": "B", "UINT32": "I", "UINT64": "Q", "INT32": "i", "DOUBLE": "d",
    "VECTOR3D": "3d", "VECTOR6D": "6d", "VECTOR6INT32": "6i",
}  # fmt: skip


@dataclass(frozen=True)
class Recipe:
    """The variables of a data packet, in order, and how its bytes are laid out."""

    names: tuple[str, ...]
    layout: struct.Struct
    sizes: tuple[int, ...]


@dataclass(eq=False)
class Client:
    """One connection. every: control cycles between two output packets."""

    controller: Controller
    inputs: dict[int, Recipe] = field(default_factory=dict)
    outputs: Recipe | None = None
    started: bool = False
    every: int = 1
    _cycles: int = 0

    def answer(self, kind: int, payload: bytes) -> bytes:
        """The reply to a packet, empty for data; raises ConfigError for what no client should send."""
        if kind == DATA:
            self._take(payload)
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
        raise ConfigError(f"expected an RTDE packet, received type {kind}")

    def publish(self, readings: Readings) -> bytes:
        """The data packet of a control cycle, empty when none is due."""
        self._cycles += 1
        if not self.started or self.outputs is None or self._cycles % self.every:
            return b""
        values = [value for name in self.outputs.names for value in readings[name]]
        return packet(DATA, self.outputs.layout.pack(1, *values))

    def close(self) -> None:
        """Give up what was reserved."""
        self.controller.registers.release(self)

    def _set_up_outputs(self, payload: bytes) -> bytes:
        (frequency,) = struct.unpack(">d", payload[:8])
        if not 0.0 <= frequency <= MAX_FREQUENCY:
            raise ConfigError(f"expected an output frequency of 0 to {MAX_FREQUENCY:g} Hz, received {frequency}")
        names = _names(payload[8:])
        types = [OUTPUTS.type_of(name) for name in names]
        rate = self.controller.personality.rate
        self.every = round(rate / max(frequency, MIN_FREQUENCY)) if 0.0 < frequency < rate else 1
        known = None not in types
        self.outputs = _recipe(names, [kind or "" for kind in types]) if known else None
        return bytes([known]) + ",".join(kind or "NOT_FOUND" for kind in types).encode()

    def _set_up_inputs(self, payload: bytes) -> bytes:
        names = _names(payload)
        types = [INPUTS.type_of(name) if is_input(name) else None for name in names]
        free = [self.controller.registers.is_free(name, self) for name in names]
        number = 0
        if len(self.inputs) == MAX_RECIPES:
            raise ConfigError(f"expected at most {MAX_RECIPES} recipes of inputs, received another one")
        if None not in types and all(free):
            number = len(self.inputs) + 1
            self.inputs[number] = _recipe(names, [kind or "" for kind in types])
            self.controller.registers.claim(names, self)
        said = [kind or "NOT_FOUND" if ok else "IN_USE" for kind, ok in zip(types, free, strict=True)]
        return bytes([number]) + ",".join(said).encode()

    def _take(self, payload: bytes) -> None:
        recipe = self.inputs.get(payload[0]) if payload else None
        if recipe is None or len(payload) != recipe.layout.size:
            raise ConfigError(f"expected data of a registered recipe, received {len(payload)} bytes of {payload[:1]!r}")
        _, *values = recipe.layout.unpack(payload)
        for name, size in zip(recipe.names, recipe.sizes, strict=True):
            taken, values = values[:size], values[size:]
            self.controller.registers.write(name, taken[0] if size == 1 else taken, self.controller.time)
        self._take_effect(recipe.names)

    def _take_effect(self, names: Sequence[str]) -> None:
        controller, read = self.controller, self.controller.registers.read
        if "speed_slider_fraction" in names:
            fraction = read("speed_slider_fraction")
            if not math.isfinite(fraction):
                raise ConfigError(f"expected a finite speed_slider_fraction, received {fraction}")
            controller.slider = fraction
        if "standard_digital_output_mask" in names:
            mask, value = int(read("standard_digital_output_mask")), int(read("standard_digital_output"))
            controller.digital_outputs = controller.digital_outputs & ~mask | value & mask


def header(data: bytes) -> tuple[int, int]:
    """Size of what follows a packet's header, and the packet's type; raises ConfigError."""
    size, kind = HEADER.unpack(data)
    if size < HEADER.size:
        raise ConfigError(f"expected an RTDE packet of at least {HEADER.size} bytes, received a size of {size}")
    return size - HEADER.size, kind


def packet(kind: int, payload: bytes) -> bytes:
    """A packet with its header."""
    return HEADER.pack(HEADER.size + len(payload), kind) + payload


def _names(payload: bytes) -> list[str]:
    return [name for name in payload.decode("ascii", "replace").split(",") if name]


def _recipe(names: Sequence[str], types: Sequence[str]) -> Recipe:
    formats = [FORMATS[kind] for kind in types]
    sizes = tuple(int(code[:-1] or 1) for code in formats)
    return Recipe(tuple(names), struct.Struct(">B" + "".join(formats)), sizes)
