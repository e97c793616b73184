"""`larder export`: the lists of a generation, out of Redis, into whatever else serves or studies them."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, cast

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TextColumn, TimeRemainingColumn

from contract.artifacts.object_store import is_remote
from contract.text import words
from trainer.cli.context import opened, served
from trainer.cli.generation_id import GENERATION_ID
from trainer.export.rows import TITLE, Layout
from trainer.export.target import Target

if TYPE_CHECKING:
    import sqlalchemy as sa

DEFAULT_TABLE = "recommendations"


@click.command()
@click.option("--to", "to", required=True, metavar="TARGET", help="A database's address, a file, s3://bucket/file (gs, az), or - .")
@click.option("--generation", type=GENERATION_ID, help="A generation that still has its lists; by default the current one.")
@click.option("--k", type=click.IntRange(min=1), help="Items of a list: up to as many as are stored; by default the generation's own k.")
@click.option("--table", help=f"Table of a database; in PostgreSQL also schema.table.  [default: {DEFAULT_TABLE}]")
@click.option("--layout", type=click.Choice(["wide", "long"]), help="A row for a user, or for each item of a list.  [default: wide]")
@click.option("--format", "form", type=click.Choice(["csv", "parquet", "jsonl"]), help="Of a file; by default what its name ends in.")
@click.option("--include", type=click.Choice([TITLE]), help="A further column of the long layout: titles as they are known now.")
@click.option("--users-for", "users_for", metavar="ITEM,...", help="The users in whose lists these items stand, --k of each; of a file.")
@click.option("--changed-since", "since", type=GENERATION_ID, help="Only lists that differ from this generation's; a table takes them.")
@click.option("--partitions", type=click.IntRange(1, 1000), help="Parquet in that many folders user_bucket=N of the folder --to.")
def export(
    to: str,
    generation: str | None,
    k: int | None,
    table: str | None,
    layout: str | None,
    form: str | None,
    include: str | None,
    since: str | None,
    partitions: int | None,
    users_for: str | None,
) -> None:
    """Write all lists of a generation to a SQL table, CSV, Parquet, or JSON lines as Amazon Personalize writes them.

    What is there is replaced in one step, at the end: readers find the old lists or the new ones, all of them. A password comes from
    PGPASSWORD or ~/.pgpass, for MySQL and MariaDB from MYSQL_PWD or ~/.my.cnf.
    """
    sql = "://" in to and not is_remote(to)
    if sql and form:
        raise click.UsageError("--format is for files; a database has tables")
    if not sql and table:
        raise click.UsageError("--table is for databases; --to names the file")
    if partitions and (sql or to == "-" or form not in (None, "parquet")):
        raise click.UsageError("--partitions writes Parquet into a folder, or below an address in an object store")
    if include and layout != "long":
        raise click.UsageError("--include is for --layout long: a wide row has no place beside each item")
    if users_for is not None:
        if sql or layout or include or since or partitions or not words(users_for):
            raise click.UsageError(
                "--users-for names items, with commas between, and writes a file: CSV or JSON lines, in a shape of its own"
            )
        _export_users_for(to, generation, k, form, words(users_for))
        return
    with opened() as larder:
        from trainer.export.export import Since
        from trainer.export.export import export as export_lists
        from trainer.export.files import FileTarget
        from trainer.export.folders import FolderTarget

        target: Target = (
            database(to, table or DEFAULT_TABLE) if sql else FolderTarget(to, partitions) if partitions else FileTarget(to, form)
        )
        if layout and isinstance(target, FileTarget) and target.form == "jsonl":
            raise click.UsageError("--layout is for tables; JSON lines have a shape of their own")
        scored = layout == "long" or (isinstance(target, FileTarget) and target.form == "jsonl")
        name = generation or served(larder).generation
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        with Progress(*_columns(), console=console, transient=True) as progress:
            tasks = {what: progress.add_task(title, total=None) for what, title in (("read", "buckets read"), ("written", "users written"))}
            users = export_lists(
                *(larder.generations, name, target, cast(Layout, layout or "wide"), k),
                lambda what, done, total: progress.update(tasks[what], completed=done, total=total),
                Since(since, scored=scored) if since else None,
                titled=include == TITLE,
            )
    console.print(f"the lists of {users:,} users, of generation {name}, are in {'the standard output' if to == '-' else to}", markup=False)


def _export_users_for(to: str, generation: str | None, k: int | None, form: str | None, items: list[str]) -> None:
    with opened() as larder:
        from trainer.export.audience import export_users_for
        from trainer.export.files import FileTarget

        name = generation or served(larder).generation
        console = Console(stderr=True, soft_wrap=True, highlight=False)
        with Progress(*_columns(), console=console, transient=True) as progress:
            task = progress.add_task("buckets read", total=None)
            found = export_users_for(
                *(larder.generations, name, FileTarget(to, form), items, k),
                lambda done, total: progress.update(task, completed=done, total=total),
            )
    said = ", ".join(f"{n:,} for item {item}" for item, n in found.items())
    console.print(f"users, of generation {name}: {said}", markup=False)


def _columns() -> tuple[ProgressColumn, ...]:
    return TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn()


def database(text: str, table: str) -> Target:
    """Raises SettingsError for a URL or a name that can't be meant."""
    from trainer.export.duckdb import DuckdbTarget
    from trainer.export.mysql import MysqlTarget
    from trainer.export.postgres import PostgresTarget
    from trainer.export.sql import parse_url
    from trainer.export.sqlite import SqliteTarget

    url = parse_url(text)
    kinds: dict[str, Callable[[sa.URL, str], Target]] = {
        "sqlite": SqliteTarget,
        "duckdb": DuckdbTarget,
        "mysql": MysqlTarget,
        "mariadb": MysqlTarget,
    }
    return kinds.get(url.drivername.partition("+")[0], PostgresTarget)(url, table)
