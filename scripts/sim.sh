#!/usr/bin/env bash
# Starts the simulated robot and its ROS 2 nodes. The options are those of `impurity-grasp sim`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh" runtime
exec impurity-grasp sim "$@"
