"""Every fault this package can report.

A failed grasp is a result; a fault is an exception. Each exception carries the :class:`ErrorCode` under which the
ROS interfaces report it, so that no layer translates one into another.
"""

from enum import IntEnum
from typing import ClassVar


class ErrorCode(IntEnum):
    """Numbers of ``msg/ErrorCode.msg``; a test keeps the two equal."""

    NONE = 0
    UNKNOWN = 1

    INVALID_GOAL = 10
    BUSY = 11
    CANCELED = 12
    TIME_LIMIT = 13
    ACTION_LIMIT = 14
    PEER_UNAVAILABLE = 15

    INVALID_FRAME = 20
    EMPTY_CLOUD = 21
    SENSOR_STALE = 22
    CALIBRATION_REFUSED = 23

    NO_PRIMITIVE = 30

    UNREACHABLE = 40
    OUT_OF_WORKSPACE = 41
    MOTION_TIMEOUT = 42
    DEVICE_FAULT = 43
    DRY_RUN = 44

    UNKNOWN_SCENE = 50
    SCENE_NOT_SETTLED = 51

    INVALID_CONFIG = 60
    INVALID_WEIGHTS = 61


class ImpurityGraspError(Exception):
    """Base of all faults. The message says what was expected and what was received."""

    code: ClassVar[ErrorCode] = ErrorCode.UNKNOWN


class InvalidGoalError(ImpurityGraspError):
    """A goal or request holds a value outside its documented range."""

    code = ErrorCode.INVALID_GOAL


class CanceledError(ImpurityGraspError):
    """The caller asked to stop; the arm has been stopped."""

    code = ErrorCode.CANCELED


class TimeLimitError(ImpurityGraspError):
    """The goal's time limit has passed."""

    code = ErrorCode.TIME_LIMIT


class ActionLimitError(ImpurityGraspError):
    """The goal's number of actions is used up."""

    code = ErrorCode.ACTION_LIMIT


class BusyError(ImpurityGraspError):
    """Another goal or motion is under way."""

    code = ErrorCode.BUSY


class PeerUnavailableError(ImpurityGraspError):
    """Another node did not answer in time."""

    code = ErrorCode.PEER_UNAVAILABLE


class InvalidFrameError(ImpurityGraspError):
    """A camera image has the wrong shape, type or encoding."""

    code = ErrorCode.INVALID_FRAME


class EmptyCloudError(ImpurityGraspError):
    """No depth reading falls into the workspace."""

    code = ErrorCode.EMPTY_CLOUD


class SensorStaleError(ImpurityGraspError):
    """The camera delivered no frame that is recent enough."""

    code = ErrorCode.SENSOR_STALE


class CalibrationError(ImpurityGraspError):
    """Views of the calibration board do not determine the camera's pose well enough."""

    code = ErrorCode.CALIBRATION_REFUSED


class NoPrimitiveError(ImpurityGraspError):
    """The policy found no primitive to execute."""

    code = ErrorCode.NO_PRIMITIVE


class UnreachableError(ImpurityGraspError):
    """A tool pose has no inverse kinematic solution."""

    code = ErrorCode.UNREACHABLE


class OutOfWorkspaceError(ImpurityGraspError):
    """A tool pose lies outside the workspace box or below the table."""

    code = ErrorCode.OUT_OF_WORKSPACE


class MotionTimeoutError(ImpurityGraspError):
    """A motion did not end before its deadline; the arm has been stopped."""

    code = ErrorCode.MOTION_TIMEOUT


class DeviceFaultError(ImpurityGraspError):
    """A device reports a fault or cannot be reached."""

    code = ErrorCode.DEVICE_FAULT


class DryRunError(ImpurityGraspError):
    """A primitive was checked and would have been executed; nothing was moved."""

    code = ErrorCode.DRY_RUN


class UnknownSceneError(ImpurityGraspError):
    """No scene of that name, or its description is malformed."""

    code = ErrorCode.UNKNOWN_SCENE


class SceneNotSettledError(ImpurityGraspError):
    """Scene generation did not yield a scene that is what it claims."""

    code = ErrorCode.SCENE_NOT_SETTLED


class CheckpointError(ImpurityGraspError):
    """A file of network weights is missing, damaged or does not fit its configuration."""

    code = ErrorCode.INVALID_WEIGHTS


class ConfigError(ImpurityGraspError):
    """A configuration value is missing, unknown, of the wrong type or out of range."""

    code = ErrorCode.INVALID_CONFIG
