"""Dagster: a generation and its exported lists as assets, made each night.

    dagster dev -f dagster_nightly.py

CALL_LARDER says how `larder` is called; LISTS_TO is any target of `larder export`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess

from dagster import Definitions, Failure, MaterializeResult, RetryPolicy, ScheduleDefinition, asset, define_asset_job

FINAL = (2, 3, 8)  # a bad setting, a source that can't be used, a generation that the gate refuses
AGAIN = RetryPolicy(max_retries=2, delay=600)


def larder(*words: str) -> str:
    """What the command writes to its standard output."""
    command = [*shlex.split(os.environ.get("CALL_LARDER", "larder")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (the operator's own command)
    if done.returncode:
        said = f"larder {words[0]} ended with {done.returncode}: {done.stderr[-500:]}"
        raise Failure(description=said, allow_retries=done.returncode not in FINAL)
    return done.stdout


@asset(retry_policy=AGAIN)
def larder_generation() -> str:
    """The generation that is served when the run has ended."""
    larder("run", "--wait")
    found = json.loads(larder("generations", "--json"))
    return str(next(one["generation"] for one in found if one["served"]))


@asset(retry_policy=AGAIN)
def larder_lists(larder_generation: str) -> MaterializeResult:
    """The lists of that generation, where others read them."""
    to = os.environ.get("LISTS_TO", "duckdb:////srv/lists.duckdb")
    larder("export", "--to", to, "--layout", "long", "--generation", larder_generation)
    return MaterializeResult(metadata={"generation": larder_generation, "target": to})


nightly = define_asset_job("larder_nightly", selection=[larder_generation, larder_lists])
defs = Definitions(
    assets=[larder_generation, larder_lists], jobs=[nightly], schedules=[ScheduleDefinition(job=nightly, cron_schedule="0 3 * * *")]
)
