#!/usr/bin/env bash
# Endurance beside an emulated robot: soak.sh [MINUTES [LOOPS]]. Jobs among random faults for that long, then as many
# starts and stops of motion_node; both tell what they have counted.
set -euo pipefail
exec bash "$(dirname "${BASH_SOURCE[0]}")/test.sh" test/faults/test_endurance.py -s -p no:randomly --timeout=0 \
    --soak-minutes "${1:-30}" --loops "${2:-200}"
