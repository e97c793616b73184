"""Reads a file of items whole, with all its columns: CSV of any dialect as interactions are, Parquet and JSON lines with their types."""

from __future__ import annotations

import difflib
from collections.abc import Sequence

import polars as pl

from contract.errors import DataError
from contract.formats.manifest import IdType
from contract.settings.settings import SourceSettings
from contract.settings.source import STDIN
from trainer.items.item_ids import LONG_ID
from trainer.items.items import Items, cleaned
from trainer.items.typed_file import read_typed
from trainer.rows import column_names
from trainer.rows.ledger import Ledger
from trainer.rows.problems import Problems
from trainer.sources.tables import locations
from trainer.sources.tables.columns import AUTO, KNOWN_NAMES, OWN_NAMES, plain_name
from trainer.sources.tables.lake import is_lake
from trainer.sources.tables.open import DATABASE_SCHEMES, open_table

ID = "id"
_LIKELY_TYPO = 0.75


def read_items(path: str, source: SourceSettings, id_type: IdType | None = None) -> Items:
    """What the file says. The id column is `item_column`, or one of a well-known name. `id_type`: of the ids that are to be found by it.

    Raises DataError.
    """
    given = {"wide": False, "baskets": False} | ({"sheet": ""} if path != source.interactions else {})
    source = source.model_copy(update=given)
    found = [] if path == STDIN or DATABASE_SCHEMES in path or is_lake(path) else locations.find(path, source.sheet)
    problems, missing = Problems(), source.missing_values
    if found and found[0].format not in ("csv", "workbook") and not any(location.empty for location in found):
        frame = pl.concat([read_typed(location, source, problems) for location in found], how="diagonal_relaxed")
        frame = frame.rename(_names(frame.columns, source, path))
        dtype = frame["item"].dtype
        whole = dtype.is_float() and (frame["item"].fill_nan(None).drop_nulls() % 1 == 0).all()
        if not (whole or dtype.is_integer() or dtype in (pl.String, pl.Categorical, pl.Enum, pl.Null)):
            raise DataError(f"{path}: the id column holds {dtype} where integers or texts are needed")
        items = cleaned(frame, path, None, problems.broken, missing, id_type)
    else:
        table, ledger = open_table(path, source), Ledger(path, problems)
        names = _names(table.names, source, path) if table.named else _by_position(table.names)
        columns = {names.get(name, name): name for name in table.names if name}
        frames, lines = [pl.DataFrame(schema=dict.fromkeys(columns, pl.String))], list[int]()
        for batch in table.batches(columns, [], problems):
            ledger.enter(batch, batch.frame.height)
            frames.append(batch.frame.cast(pl.String))
            lines += batch.places(range(batch.frame.height))
        problems.check_share(path, source.max_broken_rows)
        items = cleaned(pl.concat(frames), path, lines, problems.broken, missing, id_type)
    if (n_long := items.dropped.get(LONG_ID, 0)) > source.max_broken_rows * (items.n_items + n_long):
        raise DataError(f"{path}: {n_long:,} rows have {LONG_ID}, more than --max-broken-rows {source.max_broken_rows:g} allows")
    return items


def _names(columns: Sequence[str], source: SourceSettings, path: str) -> dict[str, str]:
    """The file's own names of the columns of ids and titles -> item, title; what else has such a name is called item_, title_."""
    names = {_id_column(columns, source, path): "item"}
    title = source.title_column
    if title in columns:
        names[title] = "title"
    else:
        asked_for = title != SourceSettings.model_fields["title_column"].default
        if near := difflib.get_close_matches(title, columns, n=1, cutoff=0.0 if asked_for else _LIKELY_TYPO):
            raise DataError(
                f"{path} has no column {title!r}; it has {column_names.names(columns)}. "
                f"Perhaps {column_names.name(near[0])}? Name it with --title-column"
            )
    return names | {name: f"{name}_" for name in columns if name in names.values() and name not in names}


def _id_column(columns: Sequence[str], source: SourceSettings, path: str) -> str:
    for name in (source.item_column, OWN_NAMES["item"]):
        if name in columns:
            return name
    known = [name for name in columns if plain_name(name) in KNOWN_NAMES["item"]] or [name for name in columns if plain_name(name) == ID]
    numbers = [name for name in known if plain_name(name).endswith(ID)]
    if len(known) == 1 or len(numbers) == 1:
        return (numbers if len(numbers) == 1 else known)[0]
    if known:
        raise DataError(f"{path}: the item column may be any of {column_names.names(known)}; choose one with --item-column")
    asked = OWN_NAMES["item"] if source.item_column == AUTO else source.item_column
    near = difflib.get_close_matches(asked, columns, n=1, cutoff=0.0)
    perhaps = f" Perhaps {column_names.name(near[0])}?" if near else ""
    raise DataError(
        f"{path} has no column {asked!r}; it has {column_names.names(columns)}.{perhaps} Name it with --item-column, or set --separator"
    )


def _by_position(columns: Sequence[str]) -> dict[str, str]:
    return dict(zip(columns, ("item", "title"), strict=False))
