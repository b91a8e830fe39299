"""Variables of the RTDE interface: names, types and values (Universal Robots, RTDE guide)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from ur_emulator.controller import Controller
from ur_emulator.modes import SAFETY_BITS, RobotMode, RuntimeState
from ur_emulator.registers import REGISTER_COUNT

JOINT_RUNNING = 253
"""``joint_mode`` of a joint that is running."""

SIZES = {"VECTOR3D": 3, "VECTOR6D": 6, "VECTOR6INT32": 6}
"""Numbers in a vector type; all other types hold one."""


@dataclass(frozen=True)
class Catalog:
    """RTDE types of variables.

    Attributes:
        types: Type by name.
        registers: Type of numbered registers, by the part of the name before the number.
    """

    types: Mapping[str, str]
    registers: Mapping[str, str]

    def type_of(self, name: str) -> str | None:
        """RTDE type of a variable; None for an unknown name."""
        prefix, _, number = name.rpartition("_")
        if prefix in self.registers:
            return self.registers[prefix] if number.isdigit() and int(number) < REGISTER_COUNT else None
        return self.types.get(name)


def _typed(groups: Mapping[str, str]) -> dict[str, str]:
    return {name: kind for kind, names in groups.items() for name in names.split()}


OUTPUTS = Catalog(
    _typed(
        {
            "DOUBLE": "timestamp actual_execution_time speed_scaling target_speed_fraction actual_momentum payload "
            "actual_main_voltage actual_robot_voltage actual_robot_current standard_analog_input0 "
            "standard_analog_input1 standard_analog_output0 standard_analog_output1",
            "VECTOR6D": "target_q target_qd target_qdd target_current target_moment actual_q actual_qd actual_current "
            "joint_control_output actual_TCP_pose actual_TCP_speed actual_TCP_force target_TCP_pose target_TCP_speed "
            "joint_temperatures actual_joint_voltage ft_raw_wrench payload_inertia",
            "VECTOR3D": "actual_tool_accelerometer payload_cog",
            "INT32": "robot_mode safety_mode",
            "VECTOR6INT32": "joint_mode",
            "UINT32": "runtime_state robot_status_bits safety_status_bits",
            "UINT64": "actual_digital_input_bits actual_digital_output_bits",
        }
    ),
    {"output_int_register": "INT32", "output_double_register": "DOUBLE"},
)
INPUTS = Catalog(
    _typed(
        {
            "VECTOR6D": "external_force_torque",
            "UINT32": "speed_slider_mask",
            "DOUBLE": "speed_slider_fraction standard_analog_output_0 standard_analog_output_1",
            "UINT8": "standard_digital_output_mask standard_digital_output configurable_digital_output_mask "
            "configurable_digital_output tool_digital_output_mask tool_digital_output standard_analog_output_mask "
            "standard_analog_output_type",
        }
    ),
    {"input_int_register": "INT32", "input_double_register": "DOUBLE"},
)


class Readings(dict[str, Iterable[float]]):
    """Values of output variables in one control cycle, each computed when it is first needed."""

    def __init__(self, controller: Controller) -> None:
        super().__init__()
        self._controller = controller

    def __missing__(self, name: str) -> Iterable[float]:
        self[name] = values = output_values(self._controller, name)
        return values


def output_values(controller: Controller, name: str) -> Iterable[float]:
    """Value of an output variable: as many numbers as its type holds, zeros if it is not emulated."""
    prefix, _, number = name.rpartition("_")
    if prefix == "output_int_register":
        return [controller.registers.output_integers[int(number)]]
    if prefix == "output_double_register":
        return [controller.registers.output_doubles[int(number)]]
    if name in VALUES:
        return VALUES[name](controller)
    return [0] * SIZES.get(OUTPUTS.types[name], 1)


def _force(controller: Controller) -> list[float]:
    return [*controller.arm.force().tolist(), 0.0, 0.0, 0.0]


VALUES: dict[str, Callable[[Controller], Iterable[float]]] = {
    "timestamp": lambda c: [c.time],
    "actual_q": lambda c: c.arm.measured.joints.tolist(),
    "actual_qd": lambda c: c.arm.measured.speeds.tolist(),
    "target_q": lambda c: c.arm.axes.q.tolist(),
    "target_qd": lambda c: c.arm.axes.qd.tolist(),
    "actual_TCP_pose": lambda c: c.arm.tool.pose(c.arm.measured.joints),
    "target_TCP_pose": lambda c: c.arm.tool.pose(c.arm.axes.q),
    "actual_TCP_speed": lambda c: c.arm.tool_speed().tolist(),
    "target_TCP_speed": lambda c: c.arm.tool_speed().tolist(),
    "actual_TCP_force": _force,
    "ft_raw_wrench": lambda c: [*c.arm.measured.force.tolist(), 0.0, 0.0, 0.0],
    "joint_temperatures": lambda c: [30.0] * 6,
    "joint_mode": lambda c: [JOINT_RUNNING] * 6,
    "robot_mode": lambda c: [int(c.robot_mode)],
    "safety_mode": lambda c: [int(c.safety_mode)],
    "safety_status_bits": lambda c: [SAFETY_BITS[c.safety_mode]],
    "runtime_state": lambda c: [int(c.runtime_state)],
    "robot_status_bits": lambda c: [
        int(c.robot_mode is not RobotMode.POWER_OFF) | int(c.runtime_state is RuntimeState.PLAYING) << 1
    ],
    "speed_scaling": lambda c: [c.arm.speed_factor],
    "target_speed_fraction": lambda c: [c.arm.speed_slider],
    "payload": lambda c: [c.arm.payload],
    "actual_main_voltage": lambda c: [48.0],
    "actual_robot_voltage": lambda c: [48.0],
    "actual_joint_voltage": lambda c: [48.0] * 6,
    "actual_digital_input_bits": lambda c: [c.digital_inputs],
    "actual_digital_output_bits": lambda c: [c.digital_outputs],
    "actual_tool_accelerometer": lambda c: [0.0, 0.0, -9.81],
}
