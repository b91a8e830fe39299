#!/usr/bin/env bash
# Starts an emulated robot and the ROS 2 nodes of a real one, with the shipped parameters, each a process of its own,
# and has scenes picked; options are those of `impurity-grasp emulated`.
set -euo pipefail
source "$(dirname "${BASH_SOURCE[0]}")/bootstrap.sh" robot
exec impurity-grasp emulated "$@"
