"""The processes of the stack, as supervisor and as Redis see them."""

from __future__ import annotations

from datetime import timedelta

import requests
from rich.table import Table

from contract.queue.jobs import score_queue
from contract.queue.leases import n_alive_here
from contract.settings.settings import Settings
from contract.store.connections import ask_first, connect, explained
from stack import demo
from stack.paths import StackPaths
from stack.supervision.supervisor_client import Process

HEALTH_TIMEOUT_S = 5.0
COLOURS = {"RUNNING": "green", "STARTING": "yellow", "STOPPING": "yellow", "BACKOFF": "red", "FATAL": "red"}


def table_of(processes: list[Process]) -> Table:
    table = Table(title="Processes", title_justify="left")
    for name in ("process", "state", "pid", "up for"):
        table.add_column(name, justify="right" if name in ("pid", "up for") else "left")
    for process in processes:
        colour = COLOURS.get(process.state, "red")
        uptime = str(timedelta(seconds=process.uptime_s)) if process.pid else ""
        table.add_row(process.name, f"[{colour}]{process.state.lower()}[/]", str(process.pid or ""), uptime)
    return table


def workers_line(settings: Settings) -> str:
    """How many of the worker's processes have shown life lately."""
    ask_first(settings.rq_url)
    with explained(settings.rq_url):
        n_alive = n_alive_here(score_queue(connect(settings.rq_url), settings))
    return f"{n_alive} of {settings.processes} worker processes respond"


def what_is_wrong(places: StackPaths, processes: list[Process], settings: Settings) -> list[str]:
    """A sentence for each process that does not run, and for an API that does not answer, or has nothing to serve."""
    wrong = [
        f"{process.name} does not run ({process.state.lower()}): its log is {places.log_of(process.name)}"
        for process in processes
        if process.state != "RUNNING"
    ]
    url = demo.base_url(settings)
    try:
        with demo.session() as client:
            answer = client.get(f"{url}/health/ready", timeout=HEALTH_TIMEOUT_S)
    except requests.RequestException as error:
        return [*wrong, f"the API at {url} does not answer ({type(error).__name__}): its log is {places.log_of('api')}"]
    if not answer.ok:
        wrong.append(f"the API at {url} is not ready ({answer.status_code}): {answer.text.strip()[:200]}")
    return wrong
