"""`larder tenants`: all catalogues of a deployment; and which of them the other commands are about."""

from __future__ import annotations

import os
from datetime import UTC, datetime
from pathlib import Path

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.errors import SettingsError
from contract.larder import Larder
from contract.settings.settings import Settings
from contract.store.connections import explained
from contract.tenants.file import chosen, read_tenants
from contract.tenants.tenant import TENANT, TENANTS

console = Console()
OF_ALL = ("serve", "health", "tenants")
"""Commands that are about the whole deployment, where LARDER_TENANTS names several catalogues."""


def choose(name: str, command: str) -> None:
    """Let this process be about the tenant `name`, or LARDER_TENANT. Raises SettingsError for one that there is not, and for none."""
    if command in OF_ALL:
        if name:
            raise SettingsError(f"--tenant: `{command}` is about all tenants")
        return
    if tenant := chosen(os.environ, name):
        tenant.become()


@click.command()
def tenants() -> None:
    """List the tenants: what each is served, how old it is, its latest run, and what waits for a worker."""
    settings = Settings.from_environ(os.environ)
    if not settings.tenants:
        raise SettingsError(f"there are no tenants: {TENANTS} names no file (docs/tenants.md)")
    shared = Larder(settings)
    table = Table("tenant", "generation", "age", "users", "latest run", "jobs that wait", title="Tenants")
    for name, tenant in read_tenants(Path(settings.tenants), os.environ).items():
        larder = Larder.sharing(tenant.settings, shared.store, shared.queue_redis)
        with explained(settings.redis_url):
            pointer, latest = larder.generations.current(), larder.runs.latest()
        with explained(settings.rq_url):
            waiting = larder.train_queue.count + larder.score_queue.count
        served = (pointer.generation, _age(pointer.trained_at), f"{pointer.n_users:,}") if pointer else ("none", "", "")
        run = f"{latest.state} {latest.message}".strip() if latest else "none"
        table.add_row(name, *served, escape(run), str(waiting))
    console.print(table)
    console.print(f"`--tenant NAME`, or {TENANT}, chooses one for every other command")


def _age(trained_at: str) -> str:
    seconds = (datetime.now(UTC) - datetime.fromisoformat(trained_at)).total_seconds()
    for unit, size in (("d", 86400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(0, seconds):.0f} s"
