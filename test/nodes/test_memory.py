"""Memory that was freed, but is still held by the C library, goes back to the system."""

import ctypes
from pathlib import Path

import pytest

from impurity_grasp_ros.nodes.memory import release_unused_memory

pytestmark = pytest.mark.ros
BLOCKS, SIZE = 4000, 65536


def resident() -> int:
    """Resident memory of this process in bytes."""
    return 4096 * int(Path("/proc/self/statm").read_text().split()[1])


def test_unused_memory_is_released() -> None:
    libc = ctypes.CDLL(None)
    libc.malloc.restype, libc.malloc.argtypes, libc.free.argtypes = (
        ctypes.c_void_p,
        [ctypes.c_size_t],
        [ctypes.c_void_p],
    )
    if not hasattr(libc, "malloc_trim"):
        pytest.skip("needs glibc")
    blocks = [libc.malloc(SIZE) for _ in range(BLOCKS)]
    for block in blocks:
        ctypes.memset(block, 1, SIZE)
    for block in blocks[:-1]:  # the last one keeps what lies before it from being released by free
        libc.free(block)
    before = resident()
    release_unused_memory()
    after = resident()
    libc.free(blocks[-1])
    assert before - after > 0.8 * BLOCKS * SIZE
