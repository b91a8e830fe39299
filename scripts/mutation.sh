#!/usr/bin/env bash
# Introduces faults into the code, one at a time, and counts those that the tests detect, see docs/testing.md.
#
#     bash scripts/mutation.sh                          # everything: hours
#     bash scripts/mutation.sh policy motion/follower   # a folder, a module
#     bash scripts/mutation.sh --sample 60 --constants 20   # so many faults of either kind in each part
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh mutation
exec nice python scripts/mutation.py "$@"
