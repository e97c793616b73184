"""`python -m bench`: what Larder costs, measured against its peers in the same run. docs/performance.md says how to read it."""

from __future__ import annotations

from pathlib import Path

import click

from bench import engine


@click.group()
def cli() -> None:
    """Measure. Every command prints a table, and writes one JSON object with --json."""


@cli.command(name="engine")
@click.option("--shape", type=click.Choice(list(engine.SHAPES)), default="1m", show_default=True, help="Size of the made-up data.")
@click.option("--peers", default="recommenders,implicit", show_default=True, help="Systems to compare with; empty for none.")
@click.option("--json", "json_file", type=click.Path(path_type=Path), help="File for the JSON object.")
def engine_command(shape: str, peers: str, json_file: Path | None) -> None:
    """Fit and top-10 of all users: Larder against recommenders' SAR and implicit's CosineRecommender."""
    engine.run(shape, [peer for peer in peers.split(",") if peer], json_file)


if __name__ == "__main__":
    cli()
