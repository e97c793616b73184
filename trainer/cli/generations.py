"""Commands that move, list and remove generations. `COMMANDS` is what the command line adds to its own."""

from __future__ import annotations

import json
import time

import click
from rich.console import Console

from contract.settings.command_hints import as_called
from trainer.cli.backup import backup, heal, publish, restore
from trainer.cli.cancel import cancel
from trainer.cli.context import opened, served, who_asks
from trainer.cli.doctor import doctor
from trainer.cli.experiments.commands import experiment
from trainer.cli.export import export
from trainer.cli.generation_id import GENERATION_ID
from trainer.cli.inspect import INSPECTION_COMMANDS
from trainer.cli.items import items
from trainer.cli.logs import audit, log_level
from trainer.cli.outcomes.commands import outcomes
from trainer.cli.runs import runs

console = Console(soft_wrap=True, highlight=False)


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
def generations(as_json: bool) -> None:
    """List all generations: what is served, what was, what waits and why."""
    with opened() as larder:
        from trainer.cli.show.generations_table import rows_of, table_of

        rows = rows_of(larder.generations)
        if as_json:
            click.echo(json.dumps(rows, indent=2))
            return
        Console().print(table_of(rows))
        if held := larder.generations.held():
            console.print(f"Promotions are held by {held.by}, who rolled back to {held.generation}. {_release()}")


@click.command()
@click.argument("generation", type=GENERATION_ID)
@click.option("--force", is_flag=True, help="Promote it even if the gate refuses it. The record says that it was forced.")
def promote(generation: str, force: bool) -> None:
    """Serve another generation: one that waits, or one that was served before."""
    with opened() as larder:
        began = time.perf_counter()
        note = "forced" if force else ""
        larder.audit.move(
            larder.generations, "promote", who_asks(), lambda moves: moves.promote_by_hand(generation, who_asks(), force), note
        )
        _say_served(served(larder).generation, began)
        if larder.generations.held():
            console.print(f"An earlier generation is served now, so promotions are held. {_release()}")


@click.command()
def rollback() -> None:
    """Serve the generation before the current one, and hold promotions until `release`."""
    with opened() as larder:
        left = served(larder).generation
        began = time.perf_counter()
        event = larder.audit.move(larder.generations, "rollback", who_asks(), lambda moves: moves.roll_back(who_asks()))
        _say_served(event.generation, began, f" in place of {left}")
        console.print(f"Promotions are held: a run still trains, and its generation then waits. {_release()}")


@click.command()
def release() -> None:
    """End the hold of a rollback: runs promote again."""
    with opened() as larder:
        released = larder.audit.move(larder.generations, "release", who_asks(), lambda moves: moves.release())
        console.print("Runs promote again, from the next one on" if released else "Nothing was held")


@click.command()
def prune() -> None:
    """Delete the generations and artifacts that are not to be kept."""
    with opened() as larder:
        from trainer.service.retention import prune as prune_generations

        before = {name: larder.generations.state(name) for name in larder.generations.ids()}
        gone = prune_generations(larder.generations, larder.runs, larder.settings)
        if gone:
            larder.audit.record("prune", who_asks(), after=f"gone: {', '.join(gone)}")
        for name, state in before.items():
            now = larder.generations.state(name)
            if name in gone:
                console.print(f"{name} is gone: it was {state}")
            elif now == "pruned" and state != "pruned":
                console.print(f"{name} is pruned: its lists and its artifact are gone; its name is kept for workers that are late")
        kept = {name: state for name in larder.generations.ids() if (state := larder.generations.state(name)) != "pruned"}
        for name in sorted(larder.experiments.fixed()):
            console.print(f"{name} is served by the experiment that runs, and not deleted while it does")
        console.print(f"Kept: {', '.join(f'{name} ({state})' for name, state in kept.items()) or 'nothing'}")


def _say_served(generation: str, began: float, instead: str = "") -> None:
    console.print(f"{generation} is served now{instead}; the move in Redis took {(time.perf_counter() - began) * 1000:.1f} ms")


def _release() -> str:
    return f"`{as_called('release')}` ends that"


COMMANDS = (
    generations,
    runs,
    promote,
    rollback,
    release,
    experiment,
    cancel,
    audit,
    log_level,
    prune,
    publish,
    heal,
    backup,
    restore,
    items,
    export,
    outcomes,
    doctor,
    *INSPECTION_COMMANDS,
)
