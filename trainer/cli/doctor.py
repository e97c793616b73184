"""`larder doctor`: is all that Larder stands on as it should be?"""

from __future__ import annotations

import json
import os
import sys
from dataclasses import asdict

import click
from rich.console import Console
from rich.text import Text

from contract.settings.settings import Settings

_STYLES = {"ok": "green", "warn": "yellow", "fail": "bold red"}


@click.command()
@click.option("--json", "as_json", is_flag=True, help="One JSON array, for programs.")
def doctor(as_json: bool) -> None:
    """Look at Redis, folders, secrets, versions, CPU and clocks, and say what is wrong and what to do. Changes nothing.

    Exit code 0: nothing failed, though there may be warnings; 1: something loses lists, or stops a run.
    """
    settings = Settings.from_environ(os.environ)
    from trainer.doctor.doctor import examine

    console, failed, found = Console(soft_wrap=True, highlight=False), False, []
    for finding in examine(settings):
        failed = failed or finding.level == "fail"
        if as_json:
            found.append(asdict(finding))
            continue
        console.print(Text(f"{finding.level:5}", _STYLES[finding.level]) + Text(f"{finding.subject}: {finding.what}", ""))
        if finding.advice:
            console.print(Text(f"      {finding.advice}"))
    if as_json:
        click.echo(json.dumps(found, indent=2))
    sys.exit(1 if failed else 0)
