#!/usr/bin/env bash
# Endurance beside an emulated robot: soak.sh [MINUTES [LOOPS]]. As many starts and stops of motion_node, the time that
# cancels take, then jobs among random faults for so long; each tells what it has counted.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/test.sh" test/faults/test_endurance.py -s -p no:randomly --timeout=0 \
    --soak-minutes "${1:-30}" --loops "${2:-200}" --cancels 30
