"""`larder items`: metadata and availability anew, without training."""

from __future__ import annotations

import os
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console

from contract.errors import ArtifactError, DataError, GenerationError
from contract.settings.settings import Settings
from contract.store.generations import Generations
from trainer.cli.context import opened, who_asks

if TYPE_CHECKING:
    from trainer.items.coverage import Known

console = Console(soft_wrap=True, highlight=False)
FROM_SETTINGS = (
    *("items", "interactions", "separator", "header", "encoding", "missing", "max_broken_rows", "item_column", "title_column"),
    *("exclude_items", "exclude_categories", "new_items", "content_columns", "filter_columns", "find_items"),
)


def _options(command: Any) -> Any:
    for name in reversed(FROM_SETTINGS):
        field = Settings.model_fields[name]
        text = f"{field.description} Variable LARDER_{name.upper()}; default {field.default!r}."
        flag = name.replace("_", "-")
        names, metavar = (f"--{flag}/--no-{flag}", None) if field.annotation is bool else (f"--{flag}", "VALUE")
        command = click.option(names, name, default=None, help=text, metavar=metavar)(command)
    return command


def _served(settings: Settings, generations: Generations) -> Known | None:
    """The items of the generation that is served, if one is."""
    from contract.artifacts.artifact import open_artifact
    from trainer.items.coverage import Known

    pointer = generations.current()
    if pointer is None:
        return None
    try:
        ids = frozenset(map(str, open_artifact(settings.artifacts, pointer.generation).ids("item_ids")))
    except ArtifactError:
        ids = None
    return Known(f"generation {pointer.generation}", pointer.item_id_type, ids, pointer.generation)


@click.command()
@_options
@click.option("--force", is_flag=True, help="Also a table that is empty, or that knows few of the items that are served.")
def items(force: bool, **options: Any) -> None:
    """Refresh the metadata of items, and which of them are available, without training.

    The API follows within a second: what is not available leaves every list, which is filled from what is stored beyond it.
    """
    with opened(**options) as larder:
        settings, catalogue = larder.settings, larder.catalogue
        from contract.artifacts.artifact import folder_of
        from trainer.items.coverage import coverage
        from trainer.items.revision import snapshot_of, write_revision
        from trainer.sources import load as sources

        before, revision = catalogue.current(), catalogue.begin()
        source, brought = settings.source, None
        if not source.items and source.interactions in (sources.BUILT_IN, *sources.MOVIELENS):
            brought = sources.read(source, folder_of(settings.artifacts) / ".datasets").items
        known = _served(settings, larder.generations)
        snapshot = snapshot_of(source, brought, settings.model_settings, known.id_type if known else None)
        if snapshot.items is None and not snapshot.unavailable:
            raise DataError(f"{source.interactions} brings no items: name a file with --items or LARDER_ITEMS")
        found = coverage(snapshot.items, known, catalogue.ids(), forced=force) if known and snapshot.items else None
        if snapshot.items and known and known.ids is not None and settings.new_items:
            from trainer.items.similar_to_new import similar_to_new

            model, memory = settings.model_settings, settings.max_memory_gb
            snapshot = replace(
                snapshot, alike=similar_to_new(snapshot.items, known.ids, snapshot.unavailable, known.id_type, model, memory)
            )
        from trainer.items.titles import with_titles

        snapshot = with_titles(snapshot, settings, known.generation if known else "")
        now = write_revision(catalogue, revision, snapshot, "command")
        larder.acknowledged.settle(larder.store)  # before readers follow to what a failover could take
        switched = catalogue.switch(now)
        if switched:
            was = f"revision {before.revision}" if before else ""
            larder.audit.record("items", who_asks(), was, f"revision {revision}, {now.n_items} items, {now.n_unavailable} unavailable")
        catalogue.prune(settings.grace_s, settings.job_timeout_s)
    if not switched:
        raise GenerationError(f"revision {revision} of the items was not switched to: a later one, read meanwhile, is there already")
    console.print(f"{now.n_items:,} items from {now.source}; {now.n_unavailable:,} ids are in no list from now on", markup=False)
    if found and known and known.ids is not None:
        gone = len(known.ids & snapshot.unavailable)
        console.print(f"{found}; {gone:,} of them are in no list from now on", markup=False)
    elif known:
        console.print(f"How many of them {known.name} knows can't be told: its artifact is not here")
    if snapshot.items and snapshot.items.left_out:
        console.print(snapshot.items.left_out, markup=False)
    if snapshot.items and snapshot.items.doubled.told:
        console.print(snapshot.items.doubled.told, markup=False)
    if now.n_alike:
        console.print(f"{now.n_alike:,} items that no run knows yet have similar items, by what they are like")
    if now.n_titles:
        console.print(f"{now.n_titles:,} items are found by their titles and categories")
    if now.columns:
        console.print(f"Answers can be filtered by {', '.join(now.columns)}", markup=False)
    instead = f" in place of {before.revision}" if before else ""
    console.print(f"Revision {revision} of the items is served{instead}; the API follows within {settings.pointer_ttl_ms} ms")
    if options["items"] and options["items"] != Settings.from_environ(os.environ).items:
        console.print("The next run writes the items that LARDER_ITEMS names: set it to this file, or that run replaces this revision")
