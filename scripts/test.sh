#!/usr/bin/env bash
# Runs the tests, without the slow ones unless -m says otherwise. The options are those of pytest. There is one worker
# more than there are processors, because tests spend much of their time waiting for motions; -n 0 runs all tests in one
# process.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh test
exec python -m pytest -m "not slow" -n "$(($(nproc) + 1))" --dist worksteal "$@"
