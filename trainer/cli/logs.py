"""`larder audit`: who changed what, and when. `larder log-level`: how much is logged for now."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.telemetry import level as levels
from trainer.cli.context import opened, who_asks


@click.command()
@click.option("--limit", default=50, show_default=True, type=click.IntRange(1, 100_000), help="Changes at the most, the newest ones.")
@click.option("--json", "as_json", is_flag=True, help="A JSON object a line, for programs.")
def audit(limit: int, as_json: bool) -> None:
    """List what somebody changed by a route, a page or a command, newest first: who, what, before, after."""
    with opened() as larder:
        changes = larder.audit.newest(limit)
    if as_json:
        for change in changes:
            click.echo(change.model_dump_json())
        return
    table = Table("when", "who", "what", "before", "after")
    for change in changes:
        table.add_row(*(escape(text) for text in (change.at, change.by, change.what, change.before, change.after)))
    if not changes:
        table.caption = "nothing is recorded" if larder.settings.audit_entries else "LARDER_AUDIT_ENTRIES is 0: nothing is recorded"
    Console().print(table)


@click.command(name="log-level")
@click.argument("level", required=False, type=click.Choice([*levels.LEVELS, "as-set"], case_sensitive=False))
@click.option("--minutes", default=15, show_default=True, type=click.IntRange(1, 1440), help="For how long.")
def log_level(level: str | None, minutes: int) -> None:
    """Let all services log from LEVEL on for a while, without a restart; `as-set` ends it; without LEVEL, say what is."""
    with opened() as larder:
        redis, keys, configured = larder.store, larder.keys, larder.settings.log_level
        before = levels.asked(redis, keys)
        if level is not None:
            if level == "as-set":
                levels.end(redis, keys)
            else:
                levels.ask(redis, keys, next(each for each in levels.LEVELS if each == level), 60 * minutes)
            larder.audit.record("log level", who_asks(), before=before[0] if before else "as set", after=level)
        now = levels.asked(redis, keys)
    if now is None:
        click.echo(f"services log as they are set (LARDER_LOG_LEVEL, here {configured}), within some seconds")
    else:
        click.echo(f"services log from {now[0]} on, for {now[1]:,} seconds more; what they are set to is {configured} here")
