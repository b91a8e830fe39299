"""Configuration: YAML files are validated once and become frozen dataclasses.

Values live only in ``config/``. The dataclasses, next to the code that uses them, define the type, range and meaning of
each value. ROS nodes declare the same dataclasses as parameters, so one definition serves YAML, ROS and Python.
"""

import math
import reprlib
from collections.abc import Iterator, Mapping
from dataclasses import MISSING, dataclass, field, fields, is_dataclass
from functools import cache
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

import yaml

from impurity_grasp_ros.errors import ConfigError
from impurity_grasp_ros.files import read_file
from impurity_grasp_ros.resources import resource

T = TypeVar("T")

PARAMETERS_FILE = "config/impurity_grasp.yaml"
"""The shipped parameters of all nodes."""

MAX_YAML_BYTES = 1_000_000
"""Largest size of a YAML file that is read."""

NOT_YAML = (
    OSError,
    yaml.YAMLError,
    RecursionError,
    ValueError,
    ArithmeticError,
    LookupError,
    AttributeError,
    TypeError,
)
"""What PyYAML raises for malformed text: scalars that do not match their tags cause Python's built-in errors."""

_shown = reprlib.Repr()
_shown.maxlevel, _shown.maxstring, _shown.maxother = 3, 80, 80


def shown(value: Any) -> str:
    """Return a value as text for messages, shortened, since a file may contain anything."""
    return _shown.repr(value)


def parameter(
    doc: str,
    *,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    default: Any = MISSING,
) -> Any:
    """Define a field of a configuration dataclass.

    Args:
        doc: Meaning and unit of the value.
        low: Smallest value accepted; None for no limit.
        high: Largest value accepted; None for no limit.
        choices: The values accepted; empty for no restriction.
        default: The value if none is given; without one, a value must be given.

    Returns:
        A dataclass field.
    """
    return field(default=default, metadata={"doc": doc, "low": low, "high": high, "choices": choices})


@dataclass(frozen=True)
class ParameterSpec:
    """One leaf of a configuration dataclass.

    Attributes:
        name: Dotted path from the root of the configuration.
        type: bool, int, float, str, or a tuple of one of these.
        doc: Meaning and unit.
        low: Smallest value accepted; None for no limit.
        high: Largest value accepted; None for no limit.
        choices: The values accepted; empty for no restriction.
    """

    name: str
    type: Any
    doc: str
    low: float | None
    high: float | None
    choices: tuple[str, ...]

    def check(self, value: Any) -> Any:
        """Validate a value.

        Args:
            value: As read from YAML, or given by ROS or Python.

        Returns:
            The value in this parameter's type: integers become floats and lists become tuples where needed.

        Raises:
            ConfigError: The value has the wrong type or is out of range.
        """
        if get_origin(self.type) is tuple:
            return self._check_tuple(value)
        return self._check_scalar(self.type, value)

    def _check_tuple(self, value: Any) -> tuple[Any, ...]:
        element_types = get_args(self.type)
        open_ended = element_types[-1] is Ellipsis
        if not isinstance(value, (list, tuple)) or not (open_ended or len(value) == len(element_types)):
            length = "any number of" if open_ended else len(element_types)
            raise ConfigError(f"{self.name}: expected a list of {length} values, received {shown(value)}")
        return tuple(self._check_scalar(element_types[0], item) for item in value)

    def _check_scalar(self, expected: type, value: Any) -> Any:
        if expected is float and type(value) is int:
            value = float(value) if abs(value) < 2**1000 else math.inf
        if type(value) is not expected:
            raise ConfigError(f"{self.name}: expected {expected.__name__}, received {shown(value)}")
        self._check_range(value)
        if expected is float and not math.isfinite(value):
            raise ConfigError(f"{self.name}: expected a finite number, received {value!r}")
        if expected is str and not is_text(value):
            raise ConfigError(f"{self.name}: expected a text of valid characters, received {shown(value)}")
        return value

    def _check_range(self, value: Any) -> None:
        if self.choices and value not in self.choices:
            raise ConfigError(f"{self.name}: expected one of {', '.join(self.choices)}, received {shown(value)}")
        if (self.low is not None and not value >= self.low) or (self.high is not None and not value <= self.high):
            raise ConfigError(f"{self.name}: expected a value in [{self.low}, {self.high}], received {shown(value)}")


def is_text(value: str) -> bool:
    """Return whether a string can be encoded, which means that it contains no lone surrogates."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def parameter_specs(config_type: type, prefix: str = "") -> Iterator[ParameterSpec]:
    """Yield all leaves of a configuration dataclass, depth first, with dotted names that start with ``prefix``."""
    hints = get_type_hints(config_type)
    for item in fields(config_type):
        name = f"{prefix}{item.name}"
        if is_dataclass(hints[item.name]):
            yield from parameter_specs(hints[item.name], f"{name}.")
        else:
            yield ParameterSpec(name, hints[item.name], **item.metadata)


def from_mapping(config_type: type[T], values: Mapping[str, Any], prefix: str = "") -> T:
    """Build a configuration dataclass from nested mappings.

    Args:
        config_type: The dataclass.
        values: One value or mapping for each of its fields.
        prefix: Text that names the place in messages, such as ``cell.`` or ``cell.yaml:`` and a space.

    Returns:
        The configuration.

    Raises:
        ConfigError: A key is unknown or missing, a value has the wrong type or is out of range, or values do not fit
            together.
    """
    if not isinstance(values, Mapping):
        raise ConfigError(f"{prefix or config_type.__name__}: expected a mapping, received {shown(values)}")
    hints = get_type_hints(config_type)
    known = {item.name: item for item in fields(config_type)}  # type: ignore[arg-type]
    if unknown := sorted(str(key) for key in values if key not in known):
        raise ConfigError(f"{prefix}{unknown[0][:80]}: unknown key, expected one of {', '.join(known)}")
    arguments = {}
    for name, item in known.items():
        if name not in values:
            if item.default is MISSING:
                raise ConfigError(f"{prefix}{name}: missing")
        elif is_dataclass(hints[name]):
            arguments[name] = from_mapping(hints[name], values[name], f"{prefix}{name}.")
        else:
            arguments[name] = ParameterSpec(f"{prefix}{name}", hints[name], **item.metadata).check(values[name])
    try:
        return config_type(**arguments)
    except ConfigError as error:  # raised by __post_init__, which does not know the place
        raise ConfigError(f"{prefix}{error}") from error


def flatten(config: Any, prefix: str = "") -> dict[str, Any]:
    """The values of a configuration dataclass by dotted name, each starting with ``prefix``."""
    flat: dict[str, Any] = {}
    for item in fields(config):
        value = getattr(config, item.name)
        if is_dataclass(value):
            flat.update(flatten(value, f"{prefix}{item.name}."))
        else:
            flat[f"{prefix}{item.name}"] = value
    return flat


def from_flat(config_type: type[T], values: Mapping[str, Any]) -> T:
    """Build a configuration dataclass from the values of its leaves; the reverse of :func:`flatten`.

    Args:
        config_type: The dataclass.
        values: Values by dotted name; tuples may be lists or arrays.

    Returns:
        The configuration.

    Raises:
        ConfigError: As :func:`from_mapping`.
    """
    tuples = {spec.name for spec in parameter_specs(config_type) if get_origin(spec.type) is tuple}
    nested: dict[str, Any] = {}
    for name, value in values.items():
        *path, leaf = name.split(".")
        place = nested
        for part in path:
            place = place.setdefault(part, {})
        place[leaf] = list(value) if name in tuples else value
    return from_mapping(config_type, nested)


def read_fresh_yaml(file: str) -> Mapping[str, Any]:
    """Read a YAML file from disk; it may be a shipped file or any other, and is not trusted.

    Args:
        file: Path, absolute or relative to the package.

    Returns:
        The mapping that the file contains.

    Raises:
        ConfigError: The file is missing, not a regular file, too large, malformed, or not a mapping.
    """
    try:
        content = yaml.safe_load(read_file(resource(file), MAX_YAML_BYTES).decode("utf-8"))
    except NOT_YAML as error:
        why = "too deeply nested" if isinstance(error, RecursionError) else str(error) or type(error).__name__
        raise ConfigError(f"{file}: expected a readable YAML file: {why}") from error
    if not isinstance(content, Mapping):
        raise ConfigError(f"{file}: expected a mapping, received {type(content).__name__}")
    return content


@cache
def read_yaml(file: str) -> Mapping[str, Any]:
    """Read a YAML file, see :func:`read_fresh_yaml`; cached, for files that do not change while a program runs."""
    return read_fresh_yaml(file)


def load(config_type: type[T], file: str) -> T:
    """Load a configuration dataclass from a YAML file, which is read only once.

    Args:
        config_type: The dataclass.
        file: Path, absolute or relative to the package.

    Returns:
        The configuration.

    Raises:
        ConfigError: The file cannot be read, or its content is not valid.
    """
    return from_mapping(config_type, read_yaml(file), f"{file}: ")


def packaged_parameters(node: str, config_type: type[T], group: str | None = None) -> T:
    """Load the shipped parameters of a node from the file that ``ros2 launch`` passes to it as well.

    Args:
        node: Name of the node.
        config_type: Dataclass of its parameters, or of one group of them.
        group: Name of the group; None for all parameters.

    Returns:
        The configuration.

    Raises:
        ConfigError: The file has no such section or group, or its values are not valid.
    """
    sections = read_yaml(PARAMETERS_FILE)
    if (section := sections.get(f"/**/{node}")) is None:
        raise ConfigError(f"{PARAMETERS_FILE}: expected a section /**/{node}, found {', '.join(map(str, sections))}")
    values = _inner(section, "ros__parameters", node)
    return from_mapping(config_type, values if group is None else _inner(values, group, node), f"{node}.")


def _inner(values: Any, key: str, node: str) -> Any:
    if not isinstance(values, Mapping) or key not in values:
        raise ConfigError(f"{PARAMETERS_FILE}: expected {key} in the section of {node}, received {shown(values)}")
    return values[key]
