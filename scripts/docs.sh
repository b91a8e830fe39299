#!/usr/bin/env bash
# Builds the documentation: build/docs/index.html. Options are those of sphinx-build. It is built from scratch, because
# Sphinx repeats no warnings of pages that it leaves alone.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
source scripts/bootstrap.sh docs
rm -rf build/docs docs/api
python -m sphinx -W --keep-going -c docs "$@" . build/docs
cp build/docs/README.html build/docs/index.html
