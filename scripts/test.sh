#!/usr/bin/env bash
# Runs the tests, without the slow ones unless -m says otherwise; options are those of pytest. One worker more than
# there are processors, as much time is spent waiting for motions; -n 0 runs everything in one process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh test
exec python -m pytest -m "not slow" -n "$(($(nproc) + 1))" --dist worksteal "$@"
