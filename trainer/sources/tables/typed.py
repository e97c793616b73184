"""Tables whose columns have types: Parquet and Arrow files, here or in an object store, and what polars itself reads from there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import polars as pl
from polars.exceptions import PolarsError

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import BATCH_ROWS, Batch
from trainer.rows.ledger import check_count
from trainer.rows.problems import Problems
from trainer.sources.tables.locations import Location

SAMPLE_ROWS = 2000
LIST = "list"
"""The role of a column that holds a list of items: trainer/sources/shapes/baskets.py makes items of it."""


class ScannedTable:
    """A polars scan. Rows are counted from 1, of a CSV with names from 2, as its lines are. `counted`: the source says how many it has."""

    def __init__(self, scan: pl.LazyFrame, where: str, *, named: bool = True, first_row: int = 1, counted: bool = False) -> None:
        self._scan, self.where, self.named, self._first_row, self._counted = scan, where, named, first_row, counted
        self.notes: tuple[str, ...] = ()
        try:
            self._schema = scan.collect_schema()
        except Exception as error:  # noqa: BLE001 (an object store's trouble comes in many types)
            raise DataError(f"{where} can't be read: {first_line(error)}") from None
        self.names = self._schema.names()

    def sample(self, column: str) -> pl.Series:
        try:
            sample = self._scan.select(pl.col(column)).head(SAMPLE_ROWS).collect().to_series().drop_nulls()
        except (PolarsError, OSError) as error:
            raise DataError(f"{self.where} can't be read: {first_line(error)}") from None
        return sample.cast(pl.String) if _is_coded(sample.dtype) else sample

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (typed already)
        check_types(self._schema, columns, self.where)
        at = self._first_row
        texts = {role for role, column in columns.items() if role not in ("user", "item") and _is_coded(self._schema[column])}
        read = [pl.col(column).cast(pl.String if role in texts else self._schema[column]).alias(role) for role, column in columns.items()]
        try:
            for frame in self._scan.select(read).collect_batches(chunk_size=BATCH_ROWS):
                problems.n_rows += frame.height
                yield Batch(frame, at)
                at += frame.height
            if self._counted:
                check_count(self.where, self._scan.select(pl.len()).collect().item(), at - self._first_row, 0)
        except (PolarsError, OSError) as error:
            raise DataError(f"{self.where} can't be read: {first_line(error)}") from None


def open_scan(location: Location, source: SourceSettings) -> ScannedTable:
    """A Parquet or Arrow file, or any file of an object store: read by polars' own readers, with credentials from the environment."""
    address = location.address
    if location.format == "parquet":
        return ScannedTable(pl.scan_parquet(address, glob=location.remote), address, counted=True)
    if location.format == "arrow":
        return ScannedTable(pl.scan_ipc(address), address, counted=True)
    if location.format in ("avro", "workbook", "zip"):
        raise DataError(f"{address}: of an object store CSV, Parquet, Arrow and JSON lines are read; copy the file here first")
    if location.format == "jsonl":
        return ScannedTable(pl.scan_ndjson(address, infer_schema_length=1000), address)
    separator = ("\t" if ".tsv" in address else ",") if source.separator == "auto" else source.separator
    if len(separator) > 1 or source.encoding not in ("auto", "utf-8"):
        raise DataError(
            f"{address}: of CSV in an object store only UTF-8 with one separator character can be read; copy the file here first"
        )
    scan = pl.scan_csv(address, separator=separator, has_header=source.header, infer_schema=False, null_values=[""])
    if not source.header:
        scan = scan.rename(lambda name: name.removeprefix("column_"))
    return ScannedTable(scan, address, named=source.header, first_row=1 + source.header)


_TRUE_OR_FALSE = "; --event-column {} --event-weights true=1,false=-1 weighs them"


def check_types(schema: Mapping[str, pl.DataType], columns: Mapping[str, str], where: str) -> None:
    """Raises DataError for a column whose type can't hold what its role needs."""
    for role, column in columns.items():
        if needed := _unmet(role, schema[column]):
            hint = _TRUE_OR_FALSE if role == "weight" and schema[column] == pl.Boolean else ""
            raise DataError(f"{where}: column {column!r} holds {schema[column]} where {needed} are needed{hint.format(column)}")


def _unmet(role: str, dtype: pl.DataType) -> str:
    """What a column of that role must hold, if it is not what `dtype` holds; else ""."""
    if dtype == pl.Null or role == LIST:
        return ""
    if role == "weight":
        return "" if dtype.is_numeric() or dtype == pl.String or _is_coded(dtype) else "numbers"
    if role == "time":
        return "" if dtype.is_numeric() or dtype in (pl.Date, pl.Datetime, pl.String) or _is_coded(dtype) else "numbers or dates"
    if role in ("user", "item"):  # of floats, whole ones are integers (trainer/interactions/id_types.py)
        return "" if dtype.is_numeric() or dtype == pl.String or _is_coded(dtype) else "integers or texts"
    return "texts" if dtype.is_nested() or dtype == pl.Binary else ""


def _is_coded(dtype: pl.DataType) -> bool:
    """Whether a column holds texts by number, as a dictionary of Arrow or categories of pandas do."""
    return isinstance(dtype, pl.Categorical | pl.Enum)


def first_line(error: Exception) -> str:
    return str(error).partition("\n")[0]
