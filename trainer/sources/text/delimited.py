"""CSV, TSV and their like. A chunk that polars reads whole costs what polars needs; one that it refuses is taken apart line by line."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path

import polars as pl
from polars.exceptions import PolarsError

from contract.settings.settings import SourceSettings
from trainer.interactions.external_ids import typed
from trainer.rows.batches import BATCH_ROWS, Batch
from trainer.rows.problems import Problems
from trainer.sources.tables.locations import Location
from trainer.sources.text.broken_csv import take_apart
from trainer.sources.text.dialects import INNER, Dialect, sniff, split
from trainer.sources.text.digit_kernels import all_canonical
from trainer.sources.text.files import CHUNK_BYTES, Chunk, TextFile

SAMPLE_ROWS = 2000
SCANNED_BYTES = 2 * CHUNK_BYTES  # a file from this size on is scanned by polars as a whole: that takes a third less time


class DelimitedTable:
    """A file of lines with separated fields."""

    def __init__(self, location: Location, source: SourceSettings, *, by_lines: bool = False) -> None:
        self._location, self._source, self._by_lines = location, source, by_lines
        self._file = TextFile(location, source.encoding)
        self.where = self._file.address
        head = self._file.head.decode("utf-8", "replace")
        self._dialect: Dialect = sniff(head, source, self.where)
        self._head = head
        self.names, self.named = self._dialect.names, source.header
        self.notes = (*self._file.notes, *self._dialect.notes)

    def sample(self, column: str) -> pl.Series:
        at = self.names.index(column)
        lines = self._head.split("\n")[self._dialect.skip_lines :]
        rows = (split(line, self._dialect.separator) for line in lines if line.strip())
        filled = (row[at] for row in rows if at < len(row) and row[at].strip())
        return pl.Series(column, list(islice(filled, SAMPLE_ROWS)), dtype=pl.String)

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        at = {role: self.names.index(column) for role, column in columns.items()}
        if self._source.decimal == ",":
            numbers = [role for role in numbers if role != "weight"]
        done = 0
        if self._scannable() and all(role in numbers for role in at if role in ("weight", "time")):
            try:
                for frame in self._scan(at, numbers, self._integers(at)):
                    problems.n_rows += frame.height
                    yield Batch(frame.rechunk())
                    done += frame.height
            except PolarsError:
                pass  # the rows from `done` on are read in the other way
            else:
                return
        for chunk in self._file.chunks():
            batch = self._read(self._without_header(chunk), at, numbers, problems)
            skipped, done = min(done, batch.frame.height), max(0, done - batch.frame.height)
            if skipped:
                batch = _rest(batch, skipped)
            problems.n_rows += batch.frame.height
            if batch.frame.height:
                yield batch

    def _scannable(self) -> bool:
        plain = self._file.plain and not self._location.packing and self._dialect.quoted and self._location.address != "-"
        if not plain or self._by_lines:
            return False
        return Path(self._location.address).stat().st_size >= SCANNED_BYTES

    def _integers(self, at: Mapping[str, int]) -> set[int]:
        """Places of the ids that polars may read as integers at once, which takes half the time of texts that are made integers."""
        places = {at[role] for role in ("user", "item")}
        likely = {place for place in places if (sample := self.sample(self.names[place])).len() and typed(sample).dtype == pl.Int64}
        if not likely or not all_canonical(Path(self._location.address), self._dialect.separator):
            return set()
        return likely

    def _scan(self, at: Mapping[str, int], numbers: Sequence[str], integers: set[int]) -> Iterator[pl.DataFrame]:
        scan = pl.scan_csv(
            self._location.address,
            has_header=False,
            skip_lines=self._dialect.skip_lines,
            schema=self._schema(at, numbers) | {f"c{place}": pl.Int64() for place in integers},
            separator=self._dialect.separator,
            null_values=[""],
        )
        yield from scan.select(pl.col(f"c{place}").alias(role) for role, place in at.items()).collect_batches(chunk_size=BATCH_ROWS)

    def _schema(self, at: Mapping[str, int], numbers: Sequence[str]) -> dict[str, pl.DataType]:
        """Of all columns, by position: names in a file may be empty or equal."""
        places = {at[role] for role in numbers if role in at}
        return {f"c{place}": pl.Float64() if place in places else pl.String() for place in range(len(self.names))}

    def _read(self, chunk: Chunk, at: Mapping[str, int], numbers: Sequence[str], problems: Problems) -> Batch:
        data = chunk.data
        if not self._dialect.quoted:
            data = data.replace(self._dialect.separator.encode(), INNER)
        separator = self._dialect.separator if self._dialect.quoted else INNER.decode()
        if not chunk.n_lines:
            return Batch(pl.DataFrame(schema=dict.fromkeys(at, pl.String)), chunk.first_line)
        try:
            if chunk.valid:
                read = pl.read_csv(
                    data,
                    has_header=False,
                    schema=self._schema(at, numbers),
                    separator=separator,
                    quote_char='"' if self._dialect.quoted else None,
                    null_values=[""],
                )
                if read.height == chunk.n_lines:
                    return Batch(read.select(pl.col(f"c{place}").alias(role) for role, place in at.items()), chunk.first_line)
        except PolarsError:
            pass
        return take_apart(
            Chunk(data, chunk.first_line, chunk.n_lines, chunk.valid),
            separator,
            self._dialect.quoted,
            len(self.names),
            at,
            self.where,
            problems,
        )

    def _without_header(self, chunk: Chunk) -> Chunk:
        if chunk.first_line > self._dialect.skip_lines:
            return chunk
        skipped = self._dialect.skip_lines
        rest = chunk.data.split(b"\n", skipped)[skipped:]
        data = rest[0] if rest else b""
        return Chunk(data, 1 + skipped, max(0, chunk.n_lines - skipped), chunk.valid)


def _rest(batch: Batch, skipped: int) -> Batch:
    lines = batch.lines[skipped:] if isinstance(batch.lines, pl.Series) else batch.lines + skipped if batch.lines is not None else None
    return Batch(batch.frame[skipped:], lines)
