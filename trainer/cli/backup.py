"""`larder backup`, `restore` and `publish`: what Redis holds in a file and back, and lists made again from an artifact."""

from __future__ import annotations

from pathlib import Path

import click
from rich.console import Console

from contract.errors import GenerationError
from contract.formats.states import HAS_LISTS
from contract.settings.command_hints import as_called
from trainer.cli.context import opened, served, who_asks
from trainer.cli.generation_id import GENERATION_ID

console = Console(soft_wrap=True, highlight=False)
FILE = click.Path(dir_okay=False, path_type=Path)


@click.command()
@click.argument("file", type=FILE)
def backup(file: Path) -> None:
    """Write all lists, generations, items and erased users into FILE, as they are at one moment. Serving goes on.

    Artifacts are not in it: back their folder up beside it.
    """
    with opened() as larder:
        from trainer.backup.backup import backup as write_backup

        header, n_records, n_bytes = write_backup(larder, file)
    served = f"generation {header.generation}" if header.generation else "nothing is promoted"
    console.print(f"{file} holds {n_records:,} keys in {n_bytes / 2**20:,.1f} MiB, as of {header.made_at}: {served}")


@click.command()
@click.argument("file", type=FILE)
def restore(file: Path) -> None:
    """Bring back what `backup` wrote into FILE. Redis may hold no generation in this namespace."""
    with opened() as larder:
        from trainer.backup.restore import restore as read_backup

        header = read_backup(larder, file)
        larder.audit.record("restore", who_asks(), after=f"{header.generation or 'nothing'} is served, of a backup of {header.made_at}")
        console.print(f"{file}, of {header.made_at}, is restored: {header.generation or 'no generation'} is served")


@click.command()
@click.argument("generation", required=False, type=GENERATION_ID)
def heal(generation: str | None) -> None:
    """Count the lists of GENERATION, by default of what is served, and make again what Redis has lost.

    Exit 0: it is whole; 5: it is not yet. Nothing that is there is changed. Workers must be running. The trainer service does the same
    each minute.
    """
    with opened() as larder:
        from contract.store.replicas.lost import Count
        from trainer.service.healing import ask, jobs_for

        name = generation or served(larder).generation
        if (state := larder.generations.state(name)) not in HAS_LISTS:
            raise GenerationError(f"generation {name} is {state or 'unknown'}: it has no lists to make again")
        count = Count(larder.generations, name)
        while count.step():
            pass
        lost = count.lost()
        if lost is None:
            console.print(f"generation {name} is whole")
            return
        ask(larder, lost, jobs_for(lost))
    raise GenerationError(f"generation {name} lacks {lost.words}: workers make them again, `{as_called('status')}` says when all are there")


@click.command()
@click.argument("generation", required=False, type=GENERATION_ID)
def publish(generation: str | None) -> None:
    """Make the lists of GENERATION again from its artifact, by default of the newest one, and serve them. Nothing is trained.

    For a Redis that has lost what it held. Workers must be running.
    """
    with opened() as larder:
        from trainer.run.publishing import kept_artifacts
        from trainer.run.publishing import publish as publish_again

        name = generation or next(reversed(kept_artifacts(larder.settings.artifacts)), "")
        if not name:
            raise GenerationError(f"there is no artifact in {larder.settings.artifacts}: `{as_called('run')}` makes one")
        manifest = publish_again(larder, name, lambda: console.print("another run trains: waiting"))
        larder.audit.record("publish", who_asks(), after=f"{name} is being scored anew")
        console.print(f"generation {name} is being scored in {manifest.n_shards} shards; follow it with: {as_called('watch')}")
        if manifest.erased and not larder.erasure.revision():
            console.print(
                f"{len(manifest.erased)} user(s) were erased from it, whom Redis no longer remembers: restore a backup, "
                "or erase them again before the next run"
            )
        if larder.catalogue.current() is None:
            console.print(f"Redis holds no metadata of items: `{as_called('items')}` brings titles and availability back")
