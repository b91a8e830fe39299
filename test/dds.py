"""DDS domains for tests, so that the nodes of different tests do not discover each other."""

import itertools
import os

DOMAINS = 101
"""Number of domains: 1 to 101 work on every system."""

_used = itertools.count()


def unused_domain() -> int:
    """A domain that no other test of this run uses, and probably no other run; each worker has its own share."""
    workers = int(os.environ.get("PYTEST_XDIST_WORKER_COUNT", "1"))
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    run = os.getppid() if workers > 1 else os.getpid()
    share = DOMAINS // workers
    return 1 + (7 * run + share * worker + next(_used) % share) % DOMAINS
