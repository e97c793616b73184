"""`larder tune`: which model suits a source, measured on what happened next."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from contract.artifacts.artifact import folder_of
from contract.formats.reports.tuned import Tuned
from contract.machine import n_cores
from contract.settings.settings import Settings
from trainer.cli import html_file as target
from trainer.cli.options import settings_options, tune_options


@click.command()
@click.argument("source", required=False)
@settings_options
@tune_options("tune_budget_s")
@click.option("--seed", default=42, show_default=True, help="Of the resampled users from which the intervals come.")
@click.option("--json", "as_json", is_flag=True, help="One JSON object, for programs.")
@click.option("--diverse", is_flag=True, help="Measure what --diversity, --popularity-penalty and --explore cost and gain, not models.")
@click.option("--output", type=click.Path(dir_okay=False, path_type=Path), help="File for the plot: SVG.")
def tune(source: str | None, seed: int, as_json: bool, diverse: bool, output: Path | None, **options: Any) -> None:
    """Try a grid of models on SOURCE, and say which one is best. Neither trains a generation nor changes anything.

    SOURCE is what --interactions takes. Events are held out at one moment of time; where fewer than 200 users remain, each user's
    latest events. Model options say what the candidates are compared with, by default what a run would fit. With --diverse, they say which
    model's lists are measured.
    """
    if output is not None:
        if diverse:
            raise click.UsageError("--diverse prints a table, and has no plot: leave out --output")
        target.check_writable(output)
    options["interactions"] = source or options.get("interactions")
    settings = Settings.from_environ(os.environ, **options)
    from trainer.cli.show import diverse_table, tune_table
    from trainer.items.new_items import known_beside
    from trainer.sources import load as sources
    from trainer.tuning.diverse import Strengths, measure_strengths
    from trainer.tuning.plot import svg
    from trainer.tuning.tune import tune as search

    loaded = sources.load(settings.source, folder_of(settings.artifacts) / ".datasets")
    columns = TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn()
    with Progress(*columns, console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("strengths" if diverse else "candidates", total=None)

        def report(done: int, total: int) -> None:
            progress.update(task, completed=done, total=total)

        model = settings.model_settings
        data = known_beside(loaded.interactions, loaded.items, settings.source, model), model
        how: dict[str, Any] = {"threads": n_cores(), "limit_bytes": settings.max_memory_gb * 2**30, "report": report}
        found: Strengths | Tuned = (
            measure_strengths(*data, **how) if diverse else search(*data, budget_s=settings.tune_budget_s, seed=seed, **how)
        )
    console = Console(soft_wrap=True, highlight=False)
    if as_json:
        click.echo(found.model_dump_json(indent=2))
    elif isinstance(found, Strengths):
        diverse_table.show(found, console)
    else:
        tune_table.show(found, console)
    if output is not None and isinstance(found, Tuned):
        target.write(output, svg(found).encode())
        Console(stderr=True, soft_wrap=True).print(f"The plot is {output}", markup=False)
