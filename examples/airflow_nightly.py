"""Airflow 3: trains each night, then exports the generation that is served.

CALL_LARDER says how `larder` is called on the worker; LISTS_TO is any target of `larder export`.
"""

from __future__ import annotations

import json
import os
import shlex
import subprocess
from datetime import datetime, timedelta

from airflow.exceptions import AirflowFailException
from airflow.sdk import dag, task

FINAL = (2, 3, 8)  # a bad setting, a source that can't be used, a generation that the gate refuses


def larder(*words: str) -> str:
    """What the command writes to its standard output. What it says of itself goes into the task's log."""
    command = [*shlex.split(os.environ.get("CALL_LARDER", "larder")), *words]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 (the operator's own command)
    print(done.stderr)
    if done.returncode in FINAL:
        raise AirflowFailException(f"larder {words[0]} ended with {done.returncode}, and would again: {done.stderr[-500:]}")
    done.check_returncode()
    return done.stdout


@dag(
    schedule="0 3 * * *",
    start_date=datetime(2026, 1, 1),
    catchup=False,
    max_active_runs=1,
    default_args={"retries": 2, "retry_delay": timedelta(minutes=10)},
)
def larder_nightly() -> None:
    @task
    def train() -> str:
        """The generation that is served at the end."""
        larder("run", "--wait")
        found = json.loads(larder("generations", "--json"))
        return str(next(one["generation"] for one in found if one["served"]))

    @task
    def export(generation: str) -> None:
        to = os.environ.get("LISTS_TO", "duckdb:////srv/lists.duckdb")
        larder("export", "--to", to, "--layout", "long", "--generation", generation)

    export(train())


larder_nightly()
