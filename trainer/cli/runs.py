"""`larder runs`: the runs of the last days, or what is remembered of a year."""

from __future__ import annotations

import json
from dataclasses import asdict

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from contract.store.history import History, RunRecord
from contract.store.runs import RunStatus
from trainer.cli.context import opened

SHOWN = 50


@click.command()
@click.option("--history", is_flag=True, help="What is remembered of runs for a year, also of those whose generations are pruned.")
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs: all of them.")
def runs(history: bool, as_json: bool) -> None:
    """List runs, newest first: their states, or what each was worth."""
    with opened() as larder:
        if history:
            records = History(larder.store, larder.keys).newest()
            _print(as_json, [record.model_dump(mode="json") for record in records], _history(records[:SHOWN], len(records)))
        else:
            states = larder.runs.newest()
            _print(as_json, [asdict(state) for state in states], _states(states[:SHOWN]))


def _print(as_json: bool, rows: list[dict[str, object]], table: Table) -> None:
    if as_json:
        click.echo(json.dumps(rows, indent=2))
    else:
        Console().print(table)


def _states(states: list[RunStatus]) -> Table:
    table = Table("run", "state", "stage", "message", title="Runs of the last week, newest first", title_justify="left", box=None)
    for state in states:
        table.add_row(escape(state.run), state.state, state.stage, escape(state.message))
    return table


def _history(records: list[RunRecord], of: int) -> Table:
    title = f"Runs of the last year, newest first ({len(records):,} of {of:,})"
    table = Table(title=title, title_justify="left", caption_justify="left", box=None, padding=(0, 1, 0, 0))
    for name in ("run", "gate", "users", "items", "inter.", "s", "nDCG", "pop.", "cover", "novelty", "model"):
        table.add_column(name, justify="left" if name in ("run", "gate", "model") else "right", no_wrap=name != "model")
    for record in records:
        table.add_row(
            escape(record.run),
            "passed" if record.passed else "[red]refused[/]",
            *(f"{n:,}" for n in (record.n_users, record.n_items, record.n_interactions)),
            f"{record.seconds:.1f}",
            *(_figure(record.model, "ndcg"), _figure(record.popularity, "ndcg"), _figure(record.model, "coverage")),
            _figure(record.model, "novelty", 2),
            escape(str(record.settings.get("model", "sar"))),
        )
    table.caption = "pop.: nDCG of popularity alone; cover: part of the catalogue that is listed; --json says all that is kept"
    return table


def _figure(figures: dict[str, float], name: str, decimals: int = 4) -> str:
    return f"{figures[name]:.{decimals}f}" if name in figures else ""
