"""CSV, TSV and their like, read in chunks. One that polars reads whole costs what polars needs; any other is rewritten so that it does."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import islice

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from contract.settings.settings import SourceSettings
from contract.settings.source import STDIN
from trainer.interactions.external_ids import infer_id_type
from trainer.rows.batches import Batch
from trainer.rows.problems import Problems
from trainer.sources.tables.locations import Location
from trainer.sources.text.broken_csv import Layout, of_one_separator, take_apart
from trainer.sources.text.dialects import INNER, Dialect, lines_of, sniff, split
from trainer.sources.text.files import Chunk, TextFile
from trainer.sources.text.read_ahead import ahead

SAMPLE_ROWS = 2000


class DelimitedTable:
    """A file of lines with separated fields."""

    def __init__(self, location: Location, source: SourceSettings) -> None:
        self._source = source
        self._waits = location.address == STDIN  # a thread that waits for a pipe could not be ended
        self.file = TextFile(location, source.encoding)
        self.where = self.file.address
        head = self.file.head.decode("utf-8", "replace")
        self._dialect: Dialect = sniff(head, source, self.where)
        lines = islice(lines_of(head), self._dialect.skip_lines, None)
        self._more = (split(line, self._dialect.separator) for line in lines if line.strip())
        self._begun: list[list[str]] = []  # rows of the beginning that were asked for, each taken apart once for all columns
        self.names, self.named = self._dialect.names, source.header
        self.notes = (*self.file.notes, *self._dialect.notes)

    def sample(self, column: str) -> pl.Series:
        at = self.names.index(column)
        filled = (row[at] for row in self._rows() if at < len(row) and row[at].strip())
        return pl.Series(column, list(islice(filled, SAMPLE_ROWS)), dtype=pl.String)

    def _rows(self) -> Iterator[list[str]]:
        yield from self._begun
        for row in self._more:
            self._begun.append(row)
            yield row

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        layout = self._layout(columns, numbers)
        open_end: Chunk | None = None
        parsed = ((chunk, last, self._whole(chunk, layout)) for chunk, last in _with_last(self._chunks()))
        for chunk, last, batch in parsed if self._waits else ahead(parsed):
            if open_end is not None:
                chunk, open_end = _joined(open_end, chunk), None
                batch = self._whole(chunk, layout)
            if batch is None:
                batch, open_end = take_apart(chunk, layout, problems, final=last and self.file.ended is None)
            problems.n_rows += batch.frame.height
            yield batch
        self.file.tell(problems)
        if open_end is not None and self.file.ended:  # it belongs to what comes from there on
            start = self.file.ended.start - len(open_end.data)
            self.file.ended = replace(self.file.ended, start=start, line=open_end.first_line)

    def _layout(self, columns: Mapping[str, str], numbers: Sequence[str]) -> Layout:
        dialect = self._dialect
        at = {role: self.names.index(column) for role, column in columns.items()}
        samples = {role: infer_id_type(self.sample(self.names[at[role]])) for role in ("user", "item") if role in at}
        integers = frozenset(at[role] for role, sample in samples.items() if sample.len() and sample.dtype == pl.Int64)
        numeric = np.zeros(len(self.names) + dialect.surplus, np.bool_)
        numeric[[*integers, *(at[role] for role in numbers if role in at)]] = True
        separator = dialect.separator if dialect.quoted else INNER.decode()
        comma = self._source.decimal == ","
        read = frozenset(at[role] for role in numbers if role in at and not (comma and role == "weight"))
        return Layout(separator, dialect.quoted, len(self.names), dialect.surplus, numeric, at, self.where, read, integers)

    def _chunks(self) -> Iterator[Chunk]:
        """Chunks without the lines before the first row, on their way to be read while the one before is worked on."""
        for chunk in self.file.chunks() if self._waits else ahead(self.file.chunks()):
            rest = self._without_header(chunk)
            if not self._dialect.quoted:
                rest = Chunk(rest.data.replace(self._dialect.separator.encode(), INNER), rest.first_line, rest.n_lines, rest.valid)
            if rest.n_lines:
                yield rest

    def _whole(self, chunk: Chunk, layout: Layout) -> Batch | None:
        """The rows of a chunk in which every line is one; None if polars does not read just so many."""
        if not chunk.valid or layout.surplus or (layout.quoted and b'"' in chunk.data):
            return None
        try:
            frame = layout.plain(chunk.data, chunk.n_lines)
            if frame is None:
                frame = layout.typed(chunk.data, None)
        except PolarsError:
            return None
        whole = frame.height == chunk.n_lines and of_one_separator(frame)
        return Batch(frame, chunk.first_line, chunk.n_lines) if whole else None

    def _without_header(self, chunk: Chunk) -> Chunk:
        if chunk.first_line > self._dialect.skip_lines:
            return chunk
        skipped = self._dialect.skip_lines
        rest = chunk.data.split(b"\n", skipped)[skipped:]
        data = rest[0] if rest else b""
        return Chunk(data, 1 + skipped, max(0, chunk.n_lines - skipped), chunk.valid)


def _joined(one: Chunk, other: Chunk) -> Chunk:
    return Chunk(one.data + other.data, one.first_line, one.n_lines + other.n_lines, one.valid and other.valid)


def _with_last(chunks: Iterator[Chunk]) -> Iterator[tuple[Chunk, bool]]:
    """Each chunk, and whether it is the last one."""
    before = next(chunks, None)
    for chunk in chunks:
        if before is not None:
            yield before, False
        before = chunk
    if before is not None:
        yield before, True
