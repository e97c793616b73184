"""Commands that look into generations, and the one that takes a user out of them."""

from __future__ import annotations

import sys

import click
from rich.console import Console
from rich.markup import escape
from rich.progress import Progress
from rich.table import Table

from contract.errors import GenerationError
from contract.larder import Larder
from contract.settings.command_hints import as_called
from trainer.cli.context import opened, served, who_asks
from trainer.cli.generation_id import GENERATION_ID

console = Console(soft_wrap=True, highlight=False)
SHOWN_PROBLEMS = 40


@click.command()
@click.argument("generation", required=False, type=GENERATION_ID)
@click.option("--sample", default=200, show_default=True, type=click.IntRange(min=0), help="Users who are re-scored from the artifact.")
@click.option("--json", "as_json", is_flag=True, help="The report as JSON, for programs.")
def verify(generation: str | None, sample: int, as_json: bool) -> None:
    """Read a generation back (the current one, if none is named) and say what is wrong with it: exit 0, or 5.

    Counts and checksums of every shard, the users of the artifact, the artifact's own checksums, and a sample of users, who are
    re-scored in another way than the workers do.
    """
    with opened() as larder:
        from trainer.verify.verify import verify as read_back

        name = generation or served(larder).generation
        with Progress(console=Console(stderr=True), transient=True) as progress:
            tasks = {what: progress.add_task(what, total=None) for what in ("artifact", "lists", "re-scored")}
            report = read_back(
                *(larder.generations, larder.settings, name, sample),
                lambda what, done, total: progress.update(tasks[what], completed=done, total=total),
            )
    if as_json:
        click.echo(report.model_dump_json(indent=2))
    else:
        console.print(f"{report.users:,} users, {report.listed:,} items in {report.lists:,} lists", end="")
        console.print(f", {report.similar:,} lists of similar items; {report.rescored:,} users re-scored from the artifact")
        for note in report.notes:
            console.print(f"note: {note}", markup=False)
        for problem in report.problems[:SHOWN_PROBLEMS]:
            console.print(f"wrong: {problem}", markup=False)
        if len(report.problems) > SHOWN_PROBLEMS:
            console.print(f"... and {len(report.problems) - SHOWN_PROBLEMS:,} more")
    if report.problems:
        raise GenerationError(f"generation {name} is not what it should be: {len(report.problems):,} problem(s)")
    if not as_json:
        console.print(f"generation {name} is as it should be")


@click.command()
@click.argument("before", required=False, type=GENERATION_ID)
@click.argument("after", required=False, type=GENERATION_ID)
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
def diff(before: str | None, after: str | None, as_json: bool) -> None:
    """Show what changed for users from one generation to another: by default from the previous to the current one."""
    with opened() as larder:
        from contract.formats.states import HAS_LISTS
        from trainer.cli.show.diff_table import diff_table
        from trainer.evaluation.drift.profiles import unlike
        from trainer.evaluation.drift.reading import Reading
        from trainer.inspect.compare import compare
        from trainer.inspect.stored_diff import stored_diff

        new = after or served(larder).generation
        old = before or _before(larder, new)
        found = stored_diff(larder.generations, new)
        if found is None or found.before.generation != old:
            for name in (old, new):
                if (state := larder.generations.state(name)) not in HAS_LISTS:
                    raise GenerationError(f"generation {name} is {state or 'unknown'}: there are no lists to compare")
            found = compare(larder.generations, old, new)
        known = all(larder.generations.state(name) for name in (new, old))  # the older one may be pruned
        readings = [Reading.of(larder.generations.manifest(name)) for name in (new, old)] if known else []
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    else:
        Console().print(diff_table(found))
        for one in unlike(readings[0], readings[1], larder.settings.gate) if readings else []:
            console.print(f"[yellow]reading:[/] {escape(one)}")


def _before(larder: Larder, generation: str) -> str:
    if previous := served(larder).previous:
        return previous
    raise GenerationError(f"nothing was served before {generation}: name two generations, as in `{as_called('diff', 'A', 'B')}`")


@click.command()
@click.option("--timeout-s", default=3600.0, show_default=True, help="How long to watch.")
def watch(timeout_s: float) -> None:
    """Follow the latest run to its end: stages, shards, workers, users a second, time left."""
    with opened() as larder:
        from trainer.cli.show.outcome import say_outcome
        from trainer.cli.show.progress_bars import follow
        from trainer.cli.show.scoring_pace import n_alive

        latest = larder.runs.latest()
        if latest is None:
            raise GenerationError(f"there is no run to watch: `{as_called('run')}` starts one")
        console.print(f"run {latest.run}")
        follow(latest.run, larder.runs, larder.generations, Console(), timeout_s, lambda: n_alive(larder.score_queue))
        say_outcome(larder.generations, latest.run, Console())


@click.command(context_settings={"ignore_unknown_options": True})  # so that -5 is an id
@click.argument("user_id")
@click.option("--yes", is_flag=True, help="Do not ask.")
def erase(user_id: str, yes: bool) -> None:
    """Take a user out of all lists, all artifacts, and all runs to come. This can't be undone."""
    with opened() as larder:
        from trainer.erasure.erase import erase as erase_user

        if not yes and sys.stdin.isatty():
            click.confirm(f"Erase user {user_id} for good, from everything that is kept and from every later run?", abort=True)
        told = False

        def waiting() -> None:
            nonlocal told
            if not told:
                console.print("A run trains: from now on nobody writes the user's lists, and what there is goes when it has trained")
                told = True

        erased = erase_user(larder.settings, larder.store, user_id, waiting)
        larder.audit.record("erase", who_asks(), after=f"a user is erased from {len(erased.removed)} generation(s)")
    if not erased.removed:
        erased.check()
        console.print(f"No generation that is kept holds user {escape(user_id)}. Every later run leaves the user out")
        return
    table = Table("generation", "state", "interactions removed", "items of the list removed", title=f"Erased: user {escape(user_id)}")
    for one in erased.removed:
        table.add_row(escape(one.generation), one.state, f"{one.interactions:,}", f"{one.items:,}")
    Console().print(table)
    console.print(
        "Every later run leaves the user out. What remains until the next run: the similarities between items and the popularity list, "
        "sums over all users in which this one is still counted; and, on the list of the erased, a keyed hash (HMAC) of the id. "
        "The interactions you train from, backups, access logs, and Redis' append-only file until it is rewritten "
        "(`redis-cli bgrewriteaof`), are yours to clean"
    )
    erased.check()


INSPECTION_COMMANDS = (verify, diff, watch, erase)
