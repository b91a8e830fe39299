"""How a child process, and the connection to it, are ended."""

from __future__ import annotations

import contextlib
import os
import socket
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess


def shut_down(pipe: Connection) -> None:
    """End the connection for both sides, from any thread; only the thread that reads from it may close it.

    Args:
        pipe: One end of a duplex pipe.
    """
    with socket.socket(fileno=os.dup(pipe.fileno())) as end_point, contextlib.suppress(OSError):
        end_point.shutdown(socket.SHUT_RDWR)


def end(process: BaseProcess, patience: float) -> None:
    """Wait for the process to end, and kill it if it does not.

    Args:
        process: The process; closed afterward.
        patience: Seconds that it is given to stop the arm.
    """
    process.join(patience)
    if process.is_alive():
        process.kill()
        process.join()
    process.close()
