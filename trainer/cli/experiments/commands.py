"""`larder experiment`: two or more generations served at the same time, each to its share of the users."""

from __future__ import annotations

from datetime import UTC, datetime

import click
from rich.console import Console

from contract.audit import Audit
from contract.errors import GenerationError, SettingsError
from contract.experiments.definition import CURRENT, MODEL, N_SLOTS, Experiment
from contract.experiments.ending import last_ending
from contract.experiments.shares import EXAMPLE, models_of, parsed, told
from contract.larder import Larder
from contract.settings.command_hints import as_called
from contract.text import utc_text
from trainer.cli.context import opened, served, who_asks
from trainer.cli.experiments.beginning import warnings
from trainer.cli.experiments.judging import judge
from trainer.cli.experiments.status import as_json, table_of
from trainer.run.company import with_model

console = Console(soft_wrap=True, highlight=False)
_ARMS = click.option("--arms", required=True, help="Arms and their percents: current=90,GENERATION=10, or model=sar:50,model=ease:50.")


@click.group()
def experiment() -> None:
    """Serve two or more generations at the same time, each to its share of the users. In the end one of them is served to all."""


@experiment.command()
@click.option("--arms", help="Arms and their percents: current=90,GENERATION=10, or model=sar:50,model=ease:50.")
@click.option(
    "--interleave", metavar="GENERATION", help="In place of --arms: each user gets one list, of what is served and of GENERATION."
)
@click.option("--stop-when-worse", type=click.Choice(["clicks", "conversions"]), help="The trainer service ends it by that.")
@click.option("--stop-when-broken", is_flag=True, help="The trainer service ends it when an arm has more errors or empty lists.")
def start(arms: str | None, interleave: str | None, stop_when_worse: str | None, *, stop_when_broken: bool) -> None:
    """Begin: each user gets lists of one arm, the same one every day, and answers name it.

    `current` follows what is served, a generation stays, and of a model each run makes a generation, promoted together with its own.
    """
    shares = _shares(arms, interleave, stop_when_broken=stop_when_broken)
    with opened() as larder:
        if stop_when_worse and not (larder.settings.events and larder.settings.impressions):
            raise SettingsError("--stop-when-worse needs to know who was shown what: set LARDER_EVENTS=true and LARDER_IMPRESSIONS")
        for model in models_of(shares):
            with_model(larder.settings, model)
        found = larder.experiments.start(
            shares, who_asks(), stop_when_worse or "", stop_when_broken=stop_when_broken, interleaves=bool(interleave)
        )
        record(larder.audit, "", found)
        for warning in warnings(larder.settings, found, datetime.now(UTC)):
            click.echo(f"Warning: {warning}", err=True)
        said = "The experiment runs" if found.has_begun else f"The experiment begins with the next run; `{as_called('run')}` starts one"
        console.print(f"{said}: {told(found)}. `{as_called('experiment', 'status')}` shows it")


@experiment.command()
@_ARMS
def share(arms: str) -> None:
    """Give the arms of the experiment that runs other shares; as few users as possible move."""
    shares = parsed(arms)
    with opened() as larder:
        before = larder.experiments.running()
        found = larder.experiments.share(shares)
        record(larder.audit, told(before) if before else "", found)
        console.print(f"The shares are now: {told(found)}")


@experiment.command()
@click.option("--json", "json_", is_flag=True, help="One JSON object, for programs; null while none runs.")
def status(json_: bool) -> None:
    """Show the experiment that runs: its arms, their shares, and what each of them serves."""
    with opened() as larder:
        found = larder.experiments.running()
        if json_:
            click.echo(as_json(larder, found))
        elif found is None:
            if ending := last_ending(larder.store, larder.keys):
                console.print(f"Experiment {ending.experiment} was {ending.why} ({utc_text(ending.at)}, by {ending.by})")
            console.print(f"No experiment runs. `{as_called('experiment', 'start', '--arms', 'current=90,GENERATION=10')}` begins one")
        else:
            Console().print(table_of(larder, found))


@experiment.command()
def stop() -> None:
    """End it: everybody gets what is served."""
    with opened() as larder:
        found = larder.experiments.stop()
        _ended(larder, found, "stopped")
        console.print(f"The experiment is over: everybody gets {served(larder).generation}")


@experiment.command()
@click.argument("arm")
@click.option("--force", is_flag=True, help="Promote it even if the gate refuses it. The record says that it was forced.")
def promote(arm: str, force: bool) -> None:
    """End it with ARM for everybody."""
    with opened() as larder:
        running = larder.experiments.running()
        if running is None:
            raise GenerationError(f"no experiment runs: `{as_called('promote', arm)}` promotes a generation")
        moves = larder.generations
        found = larder.audit.move(moves, "promote", who_asks(), lambda _: larder.experiments.promote(arm, who_asks(), force, running.id))
        _ended(larder, found, f"ended with {arm}")
        console.print(f"The experiment is over: everybody gets {served(larder).generation}")
        if arm.startswith(MODEL):
            console.print(f"The next run takes the model of its settings: LARDER_MODEL={arm.removeprefix(MODEL)} keeps this one")
        if arm != CURRENT and moves.held():
            console.print(f"An earlier generation is served now, so promotions are held. `{as_called('release')}` ends that")


experiment.add_command(judge)


def _shares(arms: str | None, interleave: str | None, *, stop_when_broken: bool) -> dict[str, int]:
    """Slots by arm. Raises SettingsError for what does not go together."""
    if (arms is None) == (interleave is None):
        raise SettingsError(f"name --arms, as in {EXAMPLE}, or --interleave GENERATION, and not both")
    if arms is not None:
        return parsed(arms)
    if stop_when_broken:
        raise SettingsError(
            "--stop-when-broken compares users of one arm with those of another, and with --interleave each user is in both"
        )
    if interleave == CURRENT:
        raise SettingsError("--interleave: name another generation than `current`, which is in each list anyway")
    if str(interleave).startswith(MODEL):
        raise SettingsError("--interleave: name a generation: arms that are models, which each run makes anew, are for --arms")
    return {str(interleave): 0, CURRENT: N_SLOTS}


def record(audit: Audit, before: str, found: Experiment) -> None:
    audit.record("experiment", who_asks(), before, f"{found.id}: {told(found)}")


def _ended(larder: Larder, found: Experiment, how: str) -> None:
    larder.audit.record("experiment", who_asks(), f"{found.id}: {told(found)}", how)
