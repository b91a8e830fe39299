"""Rehearsal: call a function in a forked copy of the process, so that only its result comes back.

The engine can save and restore its state, but not the warm-start data of its solver, nor which bodies are asleep. After
a restore, the same primitive therefore often ends elsewhere: usually by millimeters, at times by the whole distance to
the bin. A fork copies everything.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import NoReturn, TypeVar

from impurity_grasp_ros.errors import DeviceFaultError

T = TypeVar("T")


def in_a_copy(function: Callable[[], T]) -> T:
    """Call a function in a fork of this process; nothing changes in this process.

    Args:
        function: What to call. Its result has to be picklable. The fork has the calling thread only, so the function
            must not wait for other threads, such as those of OpenCV.

    Returns:
        What ``function`` returns. What it raises is raised here.

    Raises:
        DeviceFaultError: The fork ended without a result.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _send_result(function, writer)
    os.close(writer)
    try:
        with os.fdopen(reader, "rb") as stream:
            data = stream.read()
    except BaseException:
        os.kill(child, signal.SIGKILL)
        raise
    finally:
        _, status = os.waitpid(child, 0)
    if status != 0 or not data:
        raise DeviceFaultError(f"expected a result from the rehearsal, its process ended with status {status}")
    result, error = pickle.loads(data)
    if error is not None:
        raise error
    return result


def _send_result(function: Callable[[], object], writer: int) -> NoReturn:
    """Send (result, None) or (None, exception) and exit without cleanup, which is left to the parent process."""
    status = 1
    try:
        try:
            result: tuple[object, Exception | None] = function(), None
        except Exception as error:
            result = None, error
        data = pickle.dumps(result, pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writer, "wb") as stream:
            stream.write(data)
        status = 0
    finally:
        os._exit(status)
