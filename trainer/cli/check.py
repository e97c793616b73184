"""`larder check`: validation before work."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Any

import click
from rich.console import Console

from contract.artifacts.artifact import folder_of
from contract.settings.settings import Settings
from trainer.cli import html_file as target
from trainer.cli.options import source_options


@click.command()
@click.argument("source", required=False)
@source_options
@click.option("--html", "html_file", type=click.Path(dir_okay=False, path_type=Path), help="File for the report with pictures.")
def check(source: str | None, html_file: Path | None, **options: Any) -> None:
    """Read SOURCE as a run would, and say what is in it, what is wrong with it and what to do. Changes nothing.

    SOURCE is what --interactions takes: a file, a folder, a database, - for standard input. The tables of --items and --users are
    read with it. Exit code 0: usable; 1: usable, and rows are lost or something looks wrong; 2: unusable, or an option is wrong;
    9: the file of --html can't be written; 70: an error that nobody expected.
    """
    if html_file is not None:
        target.check_writable(html_file)
    options["interactions"] = source or options.get("interactions")
    settings = Settings.from_environ(os.environ, **options)
    from trainer.check.check import check as look
    from trainer.cli.show.check_report import show

    report = look(settings.source, folder_of(settings.artifacts) / ".datasets")
    show(report, Console())
    if html_file is not None:
        from trainer.check.html import page

        target.write(html_file, page(report).encode("utf-8", "replace"))
        Console(soft_wrap=True).print(f"The report with pictures is {html_file}", markup=False)
    sys.exit(report.exit_code)
