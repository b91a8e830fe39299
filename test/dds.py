"""DDS domains for tests, so that no test hears another one's nodes."""

import itertools
import os

DOMAINS = 101
"""1 to 101 work on every system."""

_used = itertools.count()


def unused_domain() -> int:
    """A domain that no other test of this run, and probably no other run, uses; parallel workers share them out."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    run = os.getppid() if workers > 1 else os.getpid()
    share = DOMAINS // workers
    return 1 + (7 * run + share * worker + next(_used) % share) % DOMAINS
