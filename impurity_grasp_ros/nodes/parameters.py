"""Configuration dataclasses as ROS parameters: declared with type, range and description, checked on every change."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Generic, TypeVar

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor, SetParametersResult
from rclpy.node import Node
from rclpy.parameter import Parameter

from impurity_grasp_ros.config import ParameterSpec, flatten, from_flat, packaged_parameters, parameter_specs
from impurity_grasp_ros.errors import ConfigError

T = TypeVar("T")


class NodeParameters(Generic[T]):
    """The parameters of a node as a configuration dataclass that is always valid.

    An invalid change is refused with the reason, and ``value`` stays unchanged.

    Args:
        node: The node that declares the parameters.
        name: Name of the node whose shipped parameters are the defaults.
        config_type: The configuration dataclass.
        prefix: Prefix of all parameter names.
        defaults: Default values instead of the shipped ones.

    Raises:
        ConfigError: A value with which the node was started is invalid.
    """

    def __init__(
        self, node: Node, name: str, config_type: type[T], *, prefix: str = "", defaults: T | None = None
    ) -> None:
        self._type = config_type
        self._prefix = prefix
        self._specs = {spec.name: spec for spec in parameter_specs(config_type)}
        shipped = flatten(packaged_parameters(name, config_type) if defaults is None else defaults)
        overrides = {}
        for spec in self._specs.values():
            try:
                declared = node.declare_parameter(prefix + spec.name, _to_ros(shipped[spec.name]), _descriptor(spec))
            except Exception as error:  # rclpy raises a different class for each way an override can be wrong
                raise ConfigError(f"{node.get_name()}.{prefix}{spec.name}: {error}") from error
            overrides[spec.name] = declared.value
        self.value = self._build(overrides)
        node.add_on_set_parameters_callback(self._on_set)

    def _build(self, flat: dict[str, Any]) -> T:
        return from_flat(self._type, flat)

    def _on_set(self, changes: Sequence[Parameter]) -> SetParametersResult:
        named = {change.name.removeprefix(self._prefix): change for change in changes if self._is_ours(change.name)}
        ours = {name: change.value for name, change in named.items()}
        try:
            self.value = self._build({**flatten(self.value), **ours})
        except ConfigError as error:
            return SetParametersResult(successful=False, reason=str(error))
        return SetParametersResult(successful=True)

    def _is_ours(self, name: str) -> bool:
        return name.startswith(self._prefix) and name.removeprefix(self._prefix) in self._specs


def _to_ros(value: Any) -> Any:
    return list(value) if isinstance(value, tuple) else value


def _descriptor(spec: ParameterSpec) -> ParameterDescriptor:
    choices = f" One of: {', '.join(spec.choices)}." if spec.choices else ""
    descriptor = ParameterDescriptor(description=f"{spec.doc}{choices}")
    if spec.type is float and spec.low is not None and spec.high is not None:
        descriptor.floating_point_range = [FloatingPointRange(from_value=float(spec.low), to_value=float(spec.high))]
    if spec.type is int and spec.low is not None and spec.high is not None:
        descriptor.integer_range = [IntegerRange(from_value=int(spec.low), to_value=int(spec.high), step=1)]
    return descriptor
