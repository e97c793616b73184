"""`python -m trainer items`: metadata and availability anew, without training."""

from __future__ import annotations

import os
from typing import Any

import click
from rich.console import Console

from contract.errors import DataError, GenerationError
from contract.formats.keys import Keys
from contract.settings.settings import Settings
from contract.store.connections import connect, explained
from contract.store.item_revisions import Catalogue

console = Console(soft_wrap=True, highlight=False)
FROM_SETTINGS = ("items", "interactions", "separator", "item_column", "title_column", "exclude_items", "exclude_categories")


def _options(command: Any) -> Any:
    for name in reversed(FROM_SETTINGS):
        field = Settings.model_fields[name]
        text = f"{field.description} Variable LARDER_{name.upper()}; default {field.default!r}."
        command = click.option(f"--{name.replace('_', '-')}", name, default=None, help=text, metavar="VALUE")(command)
    return command


@click.command()
@_options
def items(**options: Any) -> None:
    """Refresh the metadata of items, and which of them are available, without training.

    The API follows within a second: what is not available leaves every list, which is filled from what is stored beyond it.
    """
    settings = Settings.from_environ(os.environ, **options)
    store, keys = connect(settings.redis_url), Keys(settings.namespace)
    catalogue = Catalogue(store, keys)
    with explained(settings.redis_url):
        from contract.formats.artifact import folder_of
        from trainer.items.revision import stock_of, write_revision
        from trainer.sources import load as sources

        before, revision = catalogue.current(), catalogue.begin()
        source, brought = settings.source, None
        if not source.items and source.interactions in (sources.BUILT_IN, *sources.MOVIELENS):
            brought = sources.read(source, folder_of(settings.artifacts) / ".datasets").items
        stock = stock_of(source, brought, settings.model)
        if stock.items is None and not stock.unavailable:
            raise DataError(f"{source.interactions} brings no items: name a file with --items or LARDER_ITEMS")
        now = write_revision(catalogue, revision, stock, "command")
        switched = catalogue.switch(now)
        catalogue.prune(settings.grace_s, settings.job_timeout_s)
    if not switched:
        raise GenerationError(f"revision {revision} of the items was not switched to: a later one, read meanwhile, is there already")
    left_out = stock.items.left_out if stock.items else 0
    console.print(f"{now.n_items:,} items from {now.source}; {now.n_unavailable:,} ids are in no list from now on", markup=False)
    if left_out:
        console.print(f"{left_out:,} rows without an id, or that can't be read, were left out")
    instead = f" in place of {before.revision}" if before else ""
    console.print(f"Revision {revision} of the items is served{instead}; the API follows within {settings.pointer_ttl_ms} ms")
    if options["items"] and options["items"] != Settings.from_environ(os.environ).items:
        console.print("The next run writes the items that LARDER_ITEMS names: set it to this file, or that run replaces this revision")
