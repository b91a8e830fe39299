"""DDS domains for tests, so that no test hears another one's nodes."""

import itertools
import os

_used = itertools.count()


def unused_domain() -> int:
    """A domain that no other test of this run, and probably no other run, uses; 1 to 101 work on every system."""
    return 1 + (os.getpid() * 7 + next(_used)) % 101
