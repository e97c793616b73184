"""Lists as Parquet: one file, or files in folders of buckets of users."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

from contract.errors import LarderError, TargetError
from contract.formats.keys import bucket_of
from trainer.export.target import Lists

if TYPE_CHECKING:
    import polars as pl

ROWS_PER_FRAME = 8192
BUCKET = "user_bucket"
"""crc32 of the id's text, modulo the number of buckets: what SQL engines can compute."""


def write_parquet(lists: Lists, file: BinaryIO) -> None:
    """Row groups as they come. The file's own metadata name the generation: larder.generation, larder.trained_at, larder.data_until."""
    _sink(lists, file, None)


def write_buckets(lists: Lists, folder: Path, n_buckets: int) -> None:
    """Files `user_bucket=N/00000000.parquet`, which have not the column user_bucket; an empty one where there are no rows at all."""
    import polars as pl

    _sink(lists, pl.PartitionBy(folder, key=BUCKET, include_key=False), n_buckets)
    if not any(folder.iterdir()):
        (folder / f"{BUCKET}=0").mkdir()
        empty = pl.DataFrame(schema=_schema(lists))
        empty.write_parquet(folder / f"{BUCKET}=0" / "00000000.parquet", metadata=_about(lists))


def _schema(lists: Lists) -> dict[str, pl.DataType]:
    import polars as pl

    types = {"int": pl.Int64(), "str": pl.String(), "rank": pl.Int32(), "score": pl.Float32()}
    return {name: types[kind] for name, kind in lists.shape.columns}


def _about(lists: Lists) -> dict[str, str]:
    manifest = lists.manifest
    about = {"generation": manifest.generation, "trained_at": manifest.trained_at, "data_until": manifest.data_until or ""}
    return {f"larder.{name}": text for name, text in about.items()} | ({"larder.since": lists.shape.since} if lists.shape.since else {})


def _sink(lists: Lists, to: BinaryIO | pl.PartitionBy, n_buckets: int | None) -> None:
    import polars as pl
    from polars.io.plugins import register_io_source

    own = _schema(lists)
    schema: dict[str, pl.DataType] = own | ({BUCKET: pl.Int32()} if n_buckets else {})
    failed: list[LarderError] = []

    def frames(*_wanted: object) -> Iterator[pl.DataFrame]:
        rows = lists.rows()
        try:
            while some := list(islice(rows, ROWS_PER_FRAME)):
                frame = pl.DataFrame(dict(zip(own, zip(*some, strict=True), strict=True)), schema=own)
                if n_buckets:
                    buckets = [bucket_of(row[0], n_buckets) for row in some]  # type: ignore[arg-type] # an id is first
                    frame = frame.with_columns(pl.Series(BUCKET, buckets, pl.Int32))
                yield frame
        except LarderError as error:  # polars would make an error of its own of it
            failed.append(error)
            raise

    try:
        register_io_source(frames, schema=schema).sink_parquet(to, metadata=dict(_about(lists)), mkdir=bool(n_buckets))
    except pl.exceptions.PolarsError as error:
        raise failed[0] if failed else TargetError(f"the Parquet file can't be written: {error}") from error
