#!/usr/bin/env bash
# Endurance test with an emulated robot: soak.sh [MINUTES [LOOPS]]. Starts and stops motion_node LOOPS times, measures
# how long cancels take, then runs jobs with random faults for MINUTES minutes. Each part prints its results.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/test.sh" test/faults/test_endurance.py -s -p no:randomly --timeout=0 \
    --soak-minutes "${1:-30}" --loops "${2:-200}" --cancels 30
