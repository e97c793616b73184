#!/usr/bin/env bash
# Resolves pyproject.toml into the lock files of this folder: exact versions and hashes, for Python 3.11 to 3.14, no index address.
# Needs uv on PATH. `make lock` calls it.
set -euo pipefail
cd "$(dirname "$0")/.."
lock() {  # $1 the file, the rest options for the resolver
  local out=requirements/$1.txt; shift
  uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-header --no-annotate --no-emit-index-url --no-emit-find-links \
    "$@" pyproject.toml --output-file "$out"
}
# bench holds all, so that the other locks are cuts of one resolution.
lock bench --extra trainer --extra worker --extra api --extra local --extra dev --extra bench
lock dev --extra trainer --extra worker --extra api --extra local --extra dev --constraint requirements/bench.txt
for service in trainer worker api; do lock "$service" --extra "$service" --constraint requirements/bench.txt; done
lock local --extra trainer --extra worker --extra api --extra local --constraint requirements/bench.txt
