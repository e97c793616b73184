#!/bin/sh
# Train, wait, and export. For cron:
#
#   0 3 * * *  LISTS=/srv/lists.duckdb /opt/larder/examples/nightly.sh
#
# LISTS is any target of `larder export` that is a database: docs/export.md. In it only what has changed is written, where it can be.
set -eu
larder=${CALL_LARDER:-larder}
to=duckdb:///${LISTS:?the file of the lists}
state=$LISTS.generation # what was exported last

exec 9>"$LISTS.lock"
flock -n 9 || { echo "the run before still goes" >&2; exit 0; }

$larder run --wait
now=$($larder generations --json | python3 -c 'import json, sys
print(next(one["generation"] for one in json.load(sys.stdin) if one["served"]))')

if [ -f "$state" ] && $larder export --to "$to" --layout long --generation "$now" --changed-since "$(cat "$state")"; then
  echo "what has changed is exported"
else # the first time, or a night was left out
  $larder export --to "$to" --layout long --generation "$now"
  echo "all lists are exported"
fi
echo "$now" >"$state"
