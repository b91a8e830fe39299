"""Memory that is free, but still held by the C library."""

from __future__ import annotations

import ctypes


def release_unused_memory() -> None:
    """Give memory that was used for views and decisions back to the system, where the C library is glibc."""
    if trim := getattr(ctypes.CDLL(None), "malloc_trim", None):
        trim(0)
