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
tested="--extra docs --extra delta --extra iceberg --extra mysql --extra duckdb --extra objects --extra tracing --extra kafka"  # drivers that the tests use, and the site
# shellcheck disable=SC2086 # several words
# bench holds all, so that the other locks are cuts of one resolution.
lock bench --extra trainer --extra worker --extra api --extra local --extra dev $tested --extra bench
lock dev --extra trainer --extra worker --extra api --extra local --extra dev $tested --constraint requirements/bench.txt
for service in trainer worker api; do lock "$service" --extra "$service" --constraint requirements/bench.txt; done
lock local --extra trainer --extra worker --extra api --extra local --constraint requirements/bench.txt
lock docs --extra docs --constraint requirements/bench.txt
lock chart --extra chart --constraint requirements/bench.txt
# A driver is installed beside a service: what both need is of one version.
for driver in objects tracing kafka spark delta iceberg mysql duckdb clickhouse bigquery snowflake sqlserver; do
  # BigQuery's client asks for an older python-dateutil than croniter, of which it uses relativedelta alone.
  lock "driver-$driver" --extra "$driver" --constraint requirements/bench.txt --override <(grep -o '^python-dateutil==[0-9.]*' requirements/bench.txt)
done
