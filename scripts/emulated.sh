#!/usr/bin/env bash
# Starts an emulated robot and the ROS 2 nodes of a real one, with the shipped parameters and each in its own process,
# and picks impurities from scenes. The options are those of `impurity-grasp emulated`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh" robot
exec impurity-grasp emulated "$@"
