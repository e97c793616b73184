"""`larder audit`: who changed what, and when."""

from __future__ import annotations

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from trainer.cli.context import opened


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
