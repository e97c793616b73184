"""Files of items whose columns have types: Parquet, Arrow, Avro, and JSON lines in any packing, whatever their names end with."""

from __future__ import annotations

import io
import json

import polars as pl
from polars.exceptions import PolarsError

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.problems import Problems
from trainer.sources.tables.avro import read_avro
from trainer.sources.tables.locations import Location
from trainer.sources.tables.typed import first_line
from trainer.sources.text.files import TextFile
from trainer.sources.text.json_lines import NO_OBJECT


def read_typed(location: Location, source: SourceSettings, problems: Problems) -> pl.DataFrame:
    """The file, with the types of its columns; lines that hold no JSON object are counted in `problems`. Raises DataError."""
    if location.format == "jsonl":
        return _json_lines(location, source, problems)
    if location.format == "avro":
        return read_avro(location.address)
    try:
        return pl.read_ipc(location.address) if location.format == "arrow" else pl.read_parquet(location.address)
    except (PolarsError, OSError) as error:
        raise DataError(f"{location.address} can't be read: {first_line(error)}") from None


def _json_lines(location: Location, source: SourceSettings, problems: Problems) -> pl.DataFrame:
    file = TextFile(location, source.encoding)
    data = b"".join(chunk.data for chunk in file.chunks())
    lines = [(number, line) for number, line in enumerate(data.split(b"\n"), 1) if line.strip()]
    try:
        frame = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
        if frame.height == len(lines):
            return frame
    except PolarsError:
        pass
    good = []
    for number, line in lines:
        if _is_object(line):
            good.append(line)
        else:
            problems.add(NO_OBJECT, 1, file.address, "", [(number, line.decode("utf-8", "replace"))], broken=True)
    problems.n_rows += len(lines)
    if not good:
        raise DataError(f"{file.address} can't be read: there is {NO_OBJECT.replace('the', 'any')}")
    problems.check_share(file.address, source.max_broken_rows)
    try:
        return pl.read_ndjson(io.BytesIO(b"\n".join(good)), infer_schema_length=None)
    except PolarsError as error:
        raise DataError(f"{file.address} can't be read: {first_line(error)}") from None


def _is_object(line: bytes) -> bool:
    try:
        return isinstance(json.loads(line), dict)
    except (ValueError, RecursionError):
        return False
