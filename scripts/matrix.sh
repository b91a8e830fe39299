#!/usr/bin/env bash
# Builds the interfaces and tests the ROS 2 graph on both families of wheels and on several versions of Python:
#
#     bash scripts/matrix.sh                                  # python3.12 and python3.13, if they are installed
#     bash scripts/matrix.sh python3.10 /opt/python3.14/bin/python3
#
# Each combination has a checkout of its own, of the last commit. The exit code is that of the last one that failed.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
root=$PWD
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
(($#)) || set -- python3.12 python3.13

tested=0 failed=0
for python in "$@"; do
    if ! "$python" -c 'import ensurepip' 2>/dev/null; then
        printf '[matrix] %s: not run, there is no such interpreter\n' "$python"
        continue
    fi
    for wheels in jazzy kilted; do
        printf '[matrix] %s, wheels of %s\n' "$("$python" --version)" "$wheels"
        git clone --quiet "$root" "$folder/checkout"
        # a shell of its own: within `( ... ) || ...`, a command that fails would not end it
        IMPURITY_GRASP_PYTHON=$python IMPURITY_GRASP_WHEELS=$wheels bash -euo pipefail -c "
            cd '$folder/checkout'
            source scripts/bootstrap.sh test
            python -m pytest -n $(($(nproc) + 1)) --dist worksteal test/nodes test/test_interfaces.py test/test_pipeline.py
        " || failed=$?
        rm -rf "$folder/checkout"
        ((tested += 1))
    done
done
((tested)) || { echo "[matrix] expected at least one interpreter of $*, found none" && exit 1; }
exit "$failed"
