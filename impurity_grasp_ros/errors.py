"""All faults that this package can report.

A failed grasp is a result; a fault is an exception. Each exception class has the :class:`ErrorCode` under which the ROS
interfaces report it, so no layer has to translate errors.
"""

from enum import IntEnum
from typing import ClassVar


class ErrorCode(IntEnum):
    """The numbers of ``msg/ErrorCode.msg``; a test compares the two."""

    NONE = 0
    UNKNOWN = 1

    INVALID_GOAL = 10
    BUSY = 11
    CANCELED = 12
    TIME_LIMIT = 13
    ACTION_LIMIT = 14
    PEER_UNAVAILABLE = 15
    AMBIGUOUS_PEER = 16
    SENDER_LOST = 17
    STOPPED = 18
    NOT_ACTIVE = 19

    INVALID_FRAME = 20
    EMPTY_CLOUD = 21
    SENSOR_STALE = 22
    CALIBRATION_REFUSED = 23
    VIEW_BLOCKED = 24
    VIEW_INCOMPLETE = 25
    TABLE_MOVED = 26
    BAD_EXPOSURE = 27
    CAMERA_MOVED = 28

    NO_PRIMITIVE = 30

    UNREACHABLE = 40
    OUT_OF_WORKSPACE = 41
    MOTION_TIMEOUT = 42
    DEVICE_FAULT = 43
    DRY_RUN = 44
    COLLISION = 45
    RECOVERY_NEEDED = 46

    UNKNOWN_SCENE = 50
    SCENE_NOT_SETTLED = 51

    INVALID_CONFIG = 60
    INVALID_WEIGHTS = 61
    INVALID_RECORDING = 62


class ImpurityGraspError(Exception):
    """Base of all faults. The message says what was expected and what was received.

    Attributes:
        code: Number under which the ROS interfaces report the fault.
    """

    code: ClassVar[ErrorCode] = ErrorCode.UNKNOWN


class InvalidGoalError(ImpurityGraspError):
    """A goal or request holds a value outside its documented range."""

    code = ErrorCode.INVALID_GOAL


class NotActiveError(ImpurityGraspError):
    """A node is asked for something that it does only while it is active."""

    code = ErrorCode.NOT_ACTIVE


class CanceledError(ImpurityGraspError):
    """The caller asked to stop; the arm has been stopped."""

    code = ErrorCode.CANCELED


class TimeLimitError(ImpurityGraspError):
    """The goal's time limit has passed."""

    code = ErrorCode.TIME_LIMIT


class ActionLimitError(ImpurityGraspError):
    """The goal's maximum number of actions has been reached."""

    code = ErrorCode.ACTION_LIMIT


class BusyError(ImpurityGraspError):
    """Another goal or motion is in progress."""

    code = ErrorCode.BUSY


class PeerUnavailableError(ImpurityGraspError):
    """Another node did not answer in time."""

    code = ErrorCode.PEER_UNAVAILABLE


class AmbiguousPeerError(ImpurityGraspError):
    """More than one node offers the same action, and a goal would move several arms."""

    code = ErrorCode.AMBIGUOUS_PEER


class SenderLostError(ImpurityGraspError):
    """The node that sent the goal is gone; the arm has been stopped."""

    code = ErrorCode.SENDER_LOST


class StoppedError(ImpurityGraspError):
    """The arm was stopped by service ``stop``, by a signal, or because its node ended."""

    code = ErrorCode.STOPPED


class InvalidFrameError(ImpurityGraspError):
    """A camera image has the wrong shape, type or encoding."""

    code = ErrorCode.INVALID_FRAME


class EmptyCloudError(ImpurityGraspError):
    """There are hardly any depth readings in the workspace."""

    code = ErrorCode.EMPTY_CLOUD


class SensorStaleError(ImpurityGraspError):
    """The camera has delivered no recent frame."""

    code = ErrorCode.SENSOR_STALE


class CalibrationError(ImpurityGraspError):
    """The views of the calibration board do not determine the camera's pose well enough."""

    code = ErrorCode.CALIBRATION_REFUSED


class ViewBlockedError(ImpurityGraspError):
    """Something other than objects is in view: a hand, an arm, a tool."""

    code = ErrorCode.VIEW_BLOCKED


class ViewIncompleteError(ImpurityGraspError):
    """Too little of the workspace was seen, or depth is missing where an object may be."""

    code = ErrorCode.VIEW_INCOMPLETE


class TableMovedError(ImpurityGraspError):
    """The table is not where the calibration says."""

    code = ErrorCode.TABLE_MOVED


class BadExposureError(ImpurityGraspError):
    """The image is too dark or too bright to judge colors, or the light has changed since the job began."""

    code = ErrorCode.BAD_EXPOSURE


class CameraMovedError(ImpurityGraspError):
    """The view has changed since the job began in a way that shows that the camera was moved."""

    code = ErrorCode.CAMERA_MOVED


class NoPrimitiveError(ImpurityGraspError):
    """The policy found no primitive to execute."""

    code = ErrorCode.NO_PRIMITIVE


class UnreachableError(ImpurityGraspError):
    """A tool pose has no inverse kinematics solution."""

    code = ErrorCode.UNREACHABLE


class OutOfWorkspaceError(ImpurityGraspError):
    """A tool pose lies outside the workspace box or below the table."""

    code = ErrorCode.OUT_OF_WORKSPACE


class MotionTimeoutError(ImpurityGraspError):
    """A motion missed its deadline; the arm has been stopped."""

    code = ErrorCode.MOTION_TIMEOUT


class DeviceFaultError(ImpurityGraspError):
    """A device reports a fault or cannot be reached."""

    code = ErrorCode.DEVICE_FAULT


class CollisionError(ImpurityGraspError):
    """The arm would touch the table, the bin, an obstacle or itself on its path; nothing was moved."""

    code = ErrorCode.COLLISION


class RecoveryNeededError(ImpurityGraspError):
    """Only a person can decide how to proceed; nothing was moved."""

    code = ErrorCode.RECOVERY_NEEDED


class DryRunError(ImpurityGraspError):
    """A primitive was checked but not executed because ``dry_run`` is set; nothing was moved."""

    code = ErrorCode.DRY_RUN


class UnknownSceneError(ImpurityGraspError):
    """There is no scene of that name, or its description is malformed."""

    code = ErrorCode.UNKNOWN_SCENE


class SceneNotSettledError(ImpurityGraspError):
    """No scene that matches its description could be generated."""

    code = ErrorCode.SCENE_NOT_SETTLED


class CheckpointError(ImpurityGraspError):
    """A file of network weights is missing, damaged, or does not match its configuration."""

    code = ErrorCode.INVALID_WEIGHTS


class RecordingError(ImpurityGraspError):
    """A recording is missing, damaged, or not one of this package."""

    code = ErrorCode.INVALID_RECORDING


class ConfigError(ImpurityGraspError):
    """A configuration value is missing, unknown, of the wrong type, or out of range."""

    code = ErrorCode.INVALID_CONFIG


class ReportedError(ImpurityGraspError):
    """A fault that another node reported.

    Args:
        code: The error code in the answer, a number of :class:`ErrorCode`.
        message: The error message in the answer.
    """

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = ErrorCode(code)  # type: ignore[misc]  # the peer's code instead of the class's
