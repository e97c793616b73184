"""The users' file: one attribute of users, such as their country, by which named lists are cooked."""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from typing import NamedTuple

import polars as pl

from contract.errors import DataError
from contract.formats.manifest import IdType
from contract.settings.settings import SourceSettings
from trainer.items.item_ids import texts
from trainer.rows import column_names
from trainer.rows.doubled import Doubled, doubled
from trainer.rows.ledger import Ledger
from trainer.rows.problems import Problems
from trainer.sources.tables.columns import AUTO, KNOWN_NAMES, OWN_NAMES, plain_name
from trainer.sources.tables.open import open_table

SEGMENT_NAMES = ("segment", "country", "region", "market", "group")
ID = "id"


class Segments(NamedTuple):
    """Segment by user id as text, of users who have one. `doubled`: what to tell of users who stand on more than one row."""

    of: Mapping[str, str]
    doubled: Doubled = Doubled()


def read_segments(path: str, source: SourceSettings, id_type: IdType | None) -> Segments:
    """Of a user who stands twice, the last row counts. Raises DataError.

    `id_type`: of the users' ids in the interactions; None where it is not known: integers, if all of them are.
    """
    problems = Problems()
    table, ledger = open_table(path, source), Ledger(path, problems)
    user = _user_column(table.names, source, path)
    segment = _segment_column(table.names, user, source, path)
    frames = [pl.DataFrame(schema={"user": pl.String, "segment": pl.String, "line": pl.Int64})]
    for batch in table.batches({"user": user, "segment": segment}, [], problems):
        ledger.enter(batch, batch.frame.height)
        ids = texts(batch.frame["user"], source.missing_values, id_type).alias("user")
        lines = pl.Series("line", batch.places(range(batch.frame.height)), pl.Int64)
        frames.append(pl.DataFrame([ids, batch.frame["segment"].cast(pl.String).str.strip_chars(), lines]))
    problems.check_share(path, source.max_broken_rows)
    rows = pl.concat(frames).filter(pl.col("user").is_not_null())
    frame = rows.unique("user", keep="last", maintain_order=True)
    told = doubled(rows.drop("line"), "user", rows["line"], "line", named=False) if frame.height < rows.height else Doubled()
    known = frame.filter(pl.col("segment").is_not_null() & ~pl.col("segment").is_in(["", *source.missing_values]))
    return Segments(dict(zip(known["user"].to_list(), known["segment"].to_list(), strict=True)), told)


def _user_column(columns: Sequence[str], source: SourceSettings, path: str) -> str:
    for name in (source.user_column, OWN_NAMES["user"]):
        if name in columns:
            return name
    found = [name for name in columns if plain_name(name) in KNOWN_NAMES["user"]] or [name for name in columns if plain_name(name) == ID]
    if len(found) == 1:
        return found[0]
    which = (
        f"the user column may be any of {column_names.names(found)}"
        if found
        else f"no column of user ids; it has {column_names.names(columns)}"
    )
    raise DataError(f"{path}: {which}: name it with --user-column")


def _segment_column(columns: Sequence[str], user: str, source: SourceSettings, path: str) -> str:
    others = [name for name in columns if name and name != user]
    if source.segment_column != AUTO:
        if source.segment_column in others:
            return source.segment_column
        near = difflib.get_close_matches(source.segment_column, others, n=1, cutoff=0)
        perhaps = f" Perhaps {column_names.name(near[0])}?" if near else ""
        raise DataError(f"{path} has no column {column_names.name(source.segment_column)}; it has {column_names.names(columns)}.{perhaps}")
    known = others if len(others) == 1 else [name for name in others if plain_name(name) in SEGMENT_NAMES]
    if len(known) == 1:
        return known[0]
    raise DataError(f"{path}: the column of segments may be any of {column_names.names(known or others)}: name it in LARDER_SEGMENT_COLUMN")
