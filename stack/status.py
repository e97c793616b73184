"""The processes of the stack, as supervisor and as Redis see them."""

from __future__ import annotations

from datetime import timedelta

from rich.table import Table

from contract.queue.jobs import score_queue
from contract.queue.leases import n_alive_here
from contract.settings.settings import Settings
from contract.store.connections import connect, explained
from stack.supervisor_client import Process

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
    with explained(settings.rq_url):
        n_alive = n_alive_here(score_queue(connect(settings.rq_url), settings))
    return f"{n_alive} of {settings.processes} worker processes show life"
