"""Errors of the emulator."""


class EmulatorStartError(Exception):
    """The emulator cannot serve its ports."""


class RtdeError(ValueError):
    """A client sent a packet that violates the RTDE protocol."""


class ScriptError(Exception):
    """A URScript program cannot be parsed, or fails while it runs; the message names the line where it is known."""


class FaultRequestError(ValueError):
    """The fault port refused a request."""
