"""`larder experiment judge`: what the experiment has shown so far, and the end of one whose arm is worse."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import TYPE_CHECKING, get_args

import click
from rich.console import Console
from rich.table import Table

from contract.errors import GenerationError, SettingsError
from contract.experiments.shares import told
from contract.text import utc_text
from trainer.cli.context import opened, who_asks

if TYPE_CHECKING:
    from trainer.judging.judge import Judged

ALPHA = 0.05
SAYS = {"better": "better", "worse": "worse", "": "not decided"}


@click.command()
@click.option("--of", "what", default="conversions", show_default=True, type=click.Choice(["clicks", "conversions"]), help="What counts.")
@click.option(
    "--alpha",
    default=ALPHA,
    show_default=True,
    type=click.FloatRange(1e-6, 0.5),
    help="Share of experiments without a difference, at the most, of which a verdict ever says that there is one.",
)
@click.option("--stop-when-worse", "stops", is_flag=True, help="Stop the experiment when an arm is worse than the one it is held against.")
@click.option("--json", "json_", is_flag=True, help="One JSON array, for programs.")
def judge(what: str, alpha: float, stops: bool, json_: bool) -> None:
    """Say which arm is better, by what users did. It may be asked at any time, as often as you like."""
    from trainer.judging.days import counts_from, too_old, written_until
    from trainer.judging.judge import judge as judged
    from trainer.judging.trials import What

    (kind,) = (each for each in get_args(What) if each == what)
    with opened() as larder:
        running = larder.experiments.running()
        if running is None:
            raise GenerationError("no experiment runs")
        if not running.has_begun:
            raise GenerationError("the experiment has not begun: it does when the next run is promoted")
        if why := too_old(larder.settings, running, datetime.now(UTC)):
            raise SettingsError(why)
        found = judged(larder.settings, running, kind, alpha, written_until(larder))
        worse = [one.arm for one in found if one.verdict == "worse"] if stops else []
        if worse:
            why = f"stopped: {', '.join(worse)} has fewer {what} than {found[0].arm}"
            larder.experiments.stop_by_itself(running.id, worse[0], who_asks(), why)
            larder.audit.record("experiment", who_asks(), f"{running.id}: {told(running)}", why)
    if withheld := next((one.withheld for one in found if one.withheld), ""):
        click.echo(f"Experiment {running.id}: {withheld}", err=True)
    if json_:
        click.echo(json.dumps([{**one._asdict(), "evidence": one.evidence._asdict()} for one in found], indent=2))
        return
    table = table_of(found, what)
    if (first := counts_from(larder.settings, running)) > datetime.now(UTC):
        table.caption = f"No day is over yet, with the time that people have to do something: the first counts at {utc_text(first)}"
    Console().print(table)
    if worse:
        Console(soft_wrap=True, highlight=False).print(f"The experiment is {why}. Everybody gets what is served")


def table_of(found: list[Judged], what: str) -> Table:
    table = Table("arm", "users", what, "rate", f"less that of {found[0].arm}", "verdict")
    for one in found:
        rate = f"{one.successes / one.users:.2%}" if one.users else "none yet"
        against = (
            ["", ""] if one.difference is None else [_between(one.difference, sign="+"), "none" if one.withheld else SAYS[one.verdict]]
        )
        table.add_row(one.arm, f"{one.users:,}", f"{one.successes:,}", f"{rate} ({_between(one.rate)})", *against)
    return table


def _between(bounds: tuple[float, float], sign: str = "") -> str:
    return " to ".join(f"{bound:{sign}.2%}" for bound in bounds)
