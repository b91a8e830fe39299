#!/usr/bin/env bash
# Makes the animation at the top of the README from a job in simulation; takes about half a minute.
#
#     bash scripts/animation.sh                                            # docs/images/job.gif
#     bash scripts/animation.sh --scene random --seed 8 --output other.gif
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh animation
exec python scripts/animation.py "$@"
