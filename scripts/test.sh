#!/usr/bin/env bash
# Runs the tests, without the slow ones unless -m says otherwise; options are those of pytest.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh test
exec python -m pytest -m "not slow" "$@"
