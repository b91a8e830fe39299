"""Built-in functions of URScript that return at once: registers, kinematics, tool and state.

Names, arguments and defaults are those of Universal Robots' script manual; SI units.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.motion.kinematics import flange_pose
from impurity_grasp_ros.transform import from_rotation_vector, inverse
from ur_emulator.arm import EmulatedArm
from ur_emulator.errors import ScriptError
from ur_emulator.motions import MotionBuiltins
from ur_emulator.personality import Personality
from ur_emulator.poses import Pose, difference, to_pose
from ur_emulator.registers import Registers

CONTACT_FORCE = 15.0
"""Force at the tool, in N, that ``tool_contact`` reports as a contact."""


class ScriptHost(Protocol):
    """What the functions of the script language need of a controller."""

    personality: Personality
    arm: EmulatedArm
    registers: Registers

    def set_watchdog(self, variable: str, frequency: float, action: str) -> None:
        """Watch how often clients write an input."""
        ...

    def protective_stop(self, reason: str) -> None:
        """Stop the arm and pause the program."""
        ...

    def log_message(self, message: str) -> None:
        """Log what the program wrote."""
        ...


class Builtins(MotionBuiltins):
    """The functions of the script language: every public method is one."""

    def __init__(self, host: ScriptHost) -> None:
        super().__init__(host.arm)
        self._host = host

    # Registers

    def read_input_integer_register(self, index: int) -> int:
        return int(self._host.registers.read(f"input_int_register_{int(index)}"))

    def read_input_float_register(self, index: int) -> float:
        return float(self._host.registers.read(f"input_double_register_{int(index)}"))

    def write_output_integer_register(self, index: int, value: float) -> None:
        if not -(2**31) <= value < 2**31:
            raise ScriptError(f"expected an integer of 32 bits for a register, received {value}")
        self._host.registers.output_integers[int(index)] = int(value)

    def write_output_float_register(self, index: int, value: float) -> None:
        self._host.registers.output_doubles[int(index)] = float(value)

    def rtde_set_watchdog(self, variable: str, frequency: float, action: str = "pause") -> None:
        self._host.set_watchdog(variable, frequency, action)

    # Kinematics

    def get_inverse_kin(
        self,
        x: Sequence[float],
        qnear: Sequence[float] | None = None,
        *_errors: float,
        tcp: Sequence[float] | None = None,
    ) -> list[float]:
        T_tool = from_rotation_vector(x) if tcp is None else self._at_active_tool(x, tcp)
        return self._solution(T_tool, self._near(qnear)).tolist()

    def get_inverse_kin_has_solution(
        self, x: Sequence[float], qnear: Sequence[float] | None = None, *_errors: float
    ) -> bool:
        return self._arm.tool.joints_at(from_rotation_vector(x), self._near(qnear)) is not None

    def get_forward_kin(self, q: Sequence[float] | None = None, tcp: Sequence[float] | None = None) -> Pose:
        if tcp is None:
            return to_pose(self._arm.tool.transform(self._near(q)))
        return to_pose(flange_pose(self._near(q)) @ from_rotation_vector(tcp))

    def is_within_safety_limits(self, x: Sequence[float]) -> bool:
        if not isinstance(x, Pose):
            return self._arm.is_within_limits(np.array(x))
        joints = self._arm.tool.joints_at(from_rotation_vector(x), self._arm.axes.q)
        return joints is not None and self._arm.is_within_limits(joints)

    def get_actual_tcp_pose(self) -> Pose:
        return to_pose(self._arm.tool.transform(self._arm.measured.joints))

    def get_actual_tool_flange_pose(self) -> Pose:
        return to_pose(flange_pose(self._arm.measured.joints))

    def get_target_waypoint(self) -> Pose:
        return to_pose(self._arm.tool.transform(self._arm.axes.q))

    def get_target_tcp_speed(self) -> list[float]:
        return self._arm.tool_speed().tolist()

    def get_actual_joint_positions_history(self, steps: int = 0) -> list[float]:
        return self._arm.joints_before(int(steps)).tolist()

    def pose_trans(self, first: Sequence[float], second: Sequence[float]) -> Pose:
        return to_pose(from_rotation_vector(first) @ from_rotation_vector(second))

    def pose_sub(self, first: Sequence[float], second: Sequence[float]) -> Pose:
        return Pose(difference(from_rotation_vector(second), from_rotation_vector(first)).tolist())

    def norm(self, values: Sequence[float]) -> float:
        return float(np.linalg.norm(values))

    def _near(self, joints: Sequence[float] | None) -> NDArray[np.float64]:
        return self._arm.axes.q if joints is None else np.array(joints, np.float64)

    def _at_active_tool(self, pose: Sequence[float], tcp: Sequence[float]) -> NDArray[np.float64]:
        """Convert a pose of another tool center point to one of the active tool center point."""
        T_controller_flange = from_rotation_vector(pose) @ inverse(from_rotation_vector(tcp))
        return np.asarray(T_controller_flange @ self._arm.tool.T_flange_tool)

    # Tool

    def set_tcp(self, pose: Sequence[float]) -> None:
        self._arm.tool.T_flange_tool = from_rotation_vector(pose)

    def get_tcp_offset(self) -> Pose:
        return to_pose(self._arm.tool.T_flange_tool)

    def set_payload(self, mass: float, cog: Sequence[float] | None = None) -> None:
        if mass < 0:
            raise ScriptError(f"expected a payload of at least 0 kg, received {mass}")
        self._arm.payload = float(mass)

    def set_target_payload(self, mass: float, cog: Sequence[float] | None = None, inertia: object = None) -> None:
        self.set_payload(mass, cog)

    def get_target_payload(self) -> float:
        return self._arm.payload

    def get_target_payload_cog(self) -> list[float]:
        return [0.0, 0.0, 0.0]

    def get_target_payload_inertia(self) -> list[float]:
        return [0.0] * 6

    def tool_contact(self, direction: object = None) -> int:
        """Control cycles since a contact: 1 while the force at the tool is above the contact force, otherwise 0."""
        return int(float(np.linalg.norm(self._arm.force())) > CONTACT_FORCE)

    def zero_ftsensor(self) -> None:
        if (major := self._host.personality.version[0]) < 5:
            raise ScriptError(f"expected a controller of version 5 or later to zero the force, this one is {major}")
        self._arm.zero_force()

    # State

    def is_steady(self) -> bool:
        return self._arm.axes.at_rest

    def get_steptime(self) -> float:
        return self._arm.cycle_time

    def get_joint_torques(self) -> list[float]:
        return [0.0] * 6

    def get_freedrive_status(self) -> int:
        return 0

    def protective_stop(self) -> None:
        self._host.protective_stop("requested by the program")

    def textmsg(self, first: object = "", second: object = "") -> None:
        self._host.log_message(f"{first}{second}")

    # Accepted without effect

    def teach_mode(self) -> None: ...

    def end_teach_mode(self) -> None: ...

    def freedrive_mode(self, freeAxes: object = None, feature: object = None) -> None: ...

    def end_freedrive_mode(self) -> None: ...

    def end_force_mode(self) -> None: ...

    def force_mode_set_damping(self, damping: float) -> None: ...

    def force_mode_set_gain_scaling(self, scaling: float) -> None: ...

    def ft_rtde_input_enable(self, *_arguments: object) -> None: ...

    def enable_external_ft_sensor(self, *_arguments: object) -> None: ...

    def set_gravity(self, direction: Sequence[float]) -> None: ...

    def popup(self, *_arguments: object, **_named: object) -> None: ...
