"""Trying something without its having happened: a copy of the process does it, and only the answer remains.

The engine can save and restore a state, but not all that its solver starts from, nor which bodies sleep: after a
restore the same primitive often ends elsewhere, by millimetres as a rule, by the whole way to the bin at times. A copy
of the process lacks nothing.
"""

from __future__ import annotations

import os
import pickle
import signal
from collections.abc import Callable
from typing import NoReturn, TypeVar

from impurity_grasp_ros.errors import DeviceFaultError

T = TypeVar("T")


def in_a_copy(deed: Callable[[], T]) -> T:
    """What ``deed`` returns or raises in a fork of this process, in which nothing changes.

    Its answer has to be picklable. The copy has the calling thread only: a deed must not wait for another thread, such
    as those of OpenCV. Raises DeviceFaultError when the copy dies without an answer.
    """
    reader, writer = os.pipe()
    child = os.fork()
    if child == 0:
        os.close(reader)
        _answer(deed, writer)
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
        raise DeviceFaultError(f"expected a rehearsal to answer, its process ended with status {status}")
    answer, error = pickle.loads(data)
    if error is not None:
        raise error
    return answer


def _answer(deed: Callable[[], object], writer: int) -> NoReturn:
    """Send (answer, None) or (None, exception) and end the process, without the clean-up that is its parent's."""
    status = 1
    try:
        try:
            answer: tuple[object, Exception | None] = deed(), None
        except Exception as error:
            answer = None, error
        data = pickle.dumps(answer, pickle.HIGHEST_PROTOCOL)
        with os.fdopen(writer, "wb") as stream:
            stream.write(data)
        status = 0
    finally:
        os._exit(status)
