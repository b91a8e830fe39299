"""The built-in functions of URScript that do not move the arm."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from impurity_grasp_ros.transform import from_rotation_vector
from ur_emulator.motions import MotionBuiltins
from ur_emulator.poses import Pose, difference, to_pose
from ur_emulator.urscript.errors import ScriptError


class Builtins(MotionBuiltins):
    """Every public method is a function of the script language; arguments as in the script manual, SI units."""

    # Registers

    def read_input_integer_register(self, index: int) -> int:
        return int(self._controller.registers.read(f"input_int_register_{int(index)}"))

    def read_input_float_register(self, index: int) -> float:
        return float(self._controller.registers.read(f"input_double_register_{int(index)}"))

    def write_output_integer_register(self, index: int, value: float) -> None:
        if not -(2**31) <= value < 2**31:
            raise ScriptError(f"expected an integer of 32 bits for a register, received {value}")
        self._controller.registers.output_integers[int(index)] = int(value)

    def write_output_float_register(self, index: int, value: float) -> None:
        self._controller.registers.output_doubles[int(index)] = float(value)

    def rtde_set_watchdog(self, variable: str, frequency: float, action: str = "pause") -> None:
        self._controller.set_watchdog(variable, frequency, action)

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
        return self._controller.fitted.joints_at(from_rotation_vector(x), self._near(qnear)) is not None

    def get_forward_kin(self, q: Sequence[float] | None = None, tcp: Sequence[float] | None = None) -> Pose:
        return to_pose(self._controller.tool(self._near(q), None if tcp is None else from_rotation_vector(tcp)))

    def is_within_safety_limits(self, x: Sequence[float]) -> bool:
        if not isinstance(x, Pose):
            return self._controller.is_within_limits(np.array(x))
        joints = self._controller.fitted.joints_at(from_rotation_vector(x), self._controller.axes.q)
        return joints is not None and self._controller.is_within_limits(joints)

    def get_actual_tcp_pose(self) -> Pose:
        return to_pose(self._controller.tool(self._controller.measured.joints))

    def get_actual_tool_flange_pose(self) -> Pose:
        return to_pose(self._controller.tool(self._controller.measured.joints, np.eye(4)))

    def get_target_waypoint(self) -> Pose:
        return to_pose(self._controller.tool(self._controller.axes.q))

    def get_target_tcp_speed(self) -> list[float]:
        return self._controller.tool_speed().tolist()

    def get_actual_joint_positions_history(self, steps: int = 0) -> list[float]:
        return self._controller.joints_before(int(steps)).tolist()

    def pose_trans(self, first: Sequence[float], second: Sequence[float]) -> Pose:
        return to_pose(from_rotation_vector(first) @ from_rotation_vector(second))

    def pose_sub(self, first: Sequence[float], second: Sequence[float]) -> Pose:
        return Pose(difference(from_rotation_vector(second), from_rotation_vector(first)).tolist())

    def norm(self, values: Sequence[float]) -> float:
        return float(np.linalg.norm(values))

    def _near(self, joints: Sequence[float] | None) -> NDArray[np.float64]:
        return self._controller.axes.q if joints is None else np.array(joints, np.float64)

    def _at_active_tool(self, pose: Sequence[float], tcp: Sequence[float]) -> NDArray[np.float64]:
        """A pose of another tool centre point as one of the active."""
        flange = from_rotation_vector(pose) @ np.linalg.inv(from_rotation_vector(tcp))
        return np.asarray(flange @ self._controller.fitted.T_flange_tool)

    # Tool

    def set_tcp(self, pose: Sequence[float]) -> None:
        self._controller.fitted.T_flange_tool = from_rotation_vector(pose)

    def get_tcp_offset(self) -> Pose:
        return to_pose(self._controller.fitted.T_flange_tool)

    def set_payload(self, mass: float, cog: Sequence[float] | None = None) -> None:
        if mass < 0:
            raise ScriptError(f"expected a payload of at least 0 kg, received {mass}")
        self._controller.payload = float(mass)

    def set_target_payload(self, mass: float, cog: Sequence[float] | None = None, inertia: object = None) -> None:
        self.set_payload(mass, cog)

    def get_target_payload(self) -> float:
        return self._controller.payload

    def get_target_payload_cog(self) -> list[float]:
        return [0.0, 0.0, 0.0]

    def get_target_payload_inertia(self) -> list[float]:
        return [0.0] * 6

    def tool_contact(self, direction: object = None) -> int:
        """Cycles since a contact: one as soon as the tool feels more than 15 N."""
        return int(float(np.linalg.norm(self._controller.force())) > 15.0)

    def zero_ftsensor(self) -> None:
        if (major := self._controller.personality.version[0]) < 5:
            raise ScriptError(f"expected a controller of version 5 or later to zero the force, this one is {major}")
        self._controller.zero_force()

    # State

    def is_steady(self) -> bool:
        return self._controller.axes.at_rest

    def get_steptime(self) -> float:
        return self._cycle

    def get_joint_torques(self) -> list[float]:
        return [0.0] * 6

    def get_freedrive_status(self) -> int:
        return 0

    def protective_stop(self) -> None:
        self._controller.protective_stop("requested by the program")

    def textmsg(self, first: object = "", second: object = "") -> None:
        self._controller.trace(f"{first}{second}")

    # Accepted, without an effect on what is emulated

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
