"""CSV that polars does not read whole: rewritten so that it does, every line that is no row counted and named."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass

import numpy as np
import polars as pl
from polars.exceptions import PolarsError

from engine.arrays import Array
from trainer.rows.batches import Batch
from trainer.rows.ledger import check_count
from trainer.rows.problems import SHOWN, VALUE_LENGTH, Problems
from trainer.sources.text import plain_numbers, record_kernels
from trainer.sources.text.digit_kernels import all_canonical
from trainer.sources.text.files import Chunk

TOO_MANY = "more fields than columns"
NEVER_CLOSED = "a quotation mark that is never closed"
HELD = "lines that may be rows or one text in quotation marks"
STRAY = "quotation marks that don't fit its fields"
NOT_TEXT = "bytes that are no UTF-8"
OTHERWISE = "one field, in which another separator stands"
_FAULTS = {
    record_kernels.TOO_MANY: TOO_MANY,
    record_kernels.NEVER_CLOSED: NEVER_CLOSED,
    record_kernels.HELD: HELD,
    record_kernels.STRAY: STRAY,
}
_UNREADABLE = "\ufffd"
_SEPARATORS = ",;|\t"
_ALONE = "alone"  # a column of frames that have such lines: their only field


@dataclass(frozen=True, slots=True)
class Layout:
    """How rows are written: `width` fields and up to `surplus` empty ones; which should begin like numbers; each role's place."""

    separator: str
    quoted: bool
    width: int
    surplus: int
    numeric: Array
    at: Mapping[str, int]
    where: str
    numbers: frozenset[int] = frozenset()
    """Places of those fields that are read as numbers where all can be."""
    integers: frozenset[int] = frozenset()
    """Places of those ids that are likely to be integers."""

    def plain(self, data: bytes, n_rows: int) -> pl.DataFrame | None:
        """What `typed` gives for `n_rows` lines of nothing but plain numbers in the roles' columns; None for all others."""
        if not self.numbers | self.integers >= set(self.at.values()):
            return None
        found = plain_numbers.parse(data, n_rows, self.separator, self.width, self.integers, self.numbers)
        return None if found is None else pl.DataFrame({role: found[place] for role, place in self.at.items()})

    def typed(self, data: bytes, quote: str | None) -> pl.DataFrame:
        """`frame` with numbers where they are asked for and integers where none is written in a way that they would not keep."""
        canonical = bool(self.integers) and all_canonical(data, self.separator)
        return self.frame(data, quote, self.numbers, self.integers if canonical else frozenset())

    def frame(
        self, data: bytes, quote: str | None, numbers: frozenset[int] = frozenset(), integers: frozenset[int] = frozenset()
    ) -> pl.DataFrame:
        """The roles' columns of text that polars can read whole. Raises PolarsError."""
        kinds = {**dict.fromkeys(numbers, pl.Float64()), **dict.fromkeys(integers, pl.Int64())}
        full = self.separator * (self.width - 1) + "\n"  # polars counts the fields of the first line, and takes a mark before it away
        read = pl.read_csv(
            full.encode() + data,
            has_header=False,
            schema={f"c{place}": kinds.get(place, pl.String()) for place in range(self.width)},
            separator=self.separator,
            quote_char=quote,
            null_values=[""],
        )
        roles = [pl.col(f"c{place}").alias(role) for role, place in self.at.items()]
        return read.select(*roles, *self._alone(read))[1:].rechunk()

    def _alone(self, read: pl.DataFrame) -> list[pl.Series]:
        """The first field of lines that have no other one, and in it another separator: none of them, or one column."""
        if self.width < 2 or read["c0"].dtype != pl.String or min(read[f"c{place}"].null_count() for place in range(1, self.width)) < 2:
            return []  # the line before the first one has nothing but nulls
        others = _SEPARATORS.replace(self.separator, "")
        alone = pl.all_horizontal(pl.exclude("c0").is_null()) & pl.col("c0").str.contains(rf"[^\s{others}][{others}][^\s{others}]")
        found = read.select(pl.when(alone).then(pl.col("c0")).alias(_ALONE)).to_series()
        return [found] if found.null_count() < found.len() else []


def of_one_separator(frame: pl.DataFrame) -> bool:
    """Whether no line of a frame of `Layout` is to be named for its separator."""
    return _ALONE not in frame.columns


def take_apart(chunk: Chunk, layout: Layout, problems: Problems, *, final: bool) -> tuple[Batch, Chunk | None]:
    """The rows of a chunk, with their lines; and the lines at its end that may go on in the next one."""
    data = chunk.data if chunk.valid else chunk.data.decode("utf-8", "replace").encode()
    used, text, starts, lines, spans, kinds = record_kernels.rewrite(
        data, layout.separator, layout.quoted, layout.width, layout.surplus, layout.numeric, final=final
    )
    lines += chunk.first_line
    for kind, reason in _FAULTS.items():
        wrong = np.flatnonzero(kinds == kind)
        shown = [(int(lines[at]), _line(data, int(starts[at]))) for at in wrong[:SHOWN]]
        problems.add(reason, int(spans[wrong].sum()), layout.where, "", shown, broken=True)
        problems.n_rows += int(spans[wrong].sum())
    good = kinds == record_kernels.GOOD
    frame = _read(text.tobytes(), layout, as_texts=not chunk.valid)
    n_good, n_bad = int(np.count_nonzero(good)), int(spans[~good].sum())
    check_count(layout.where, n_good, frame.height, 0)
    check_count(layout.where, data.count(b"\n", 0, used) + (used == len(data) and not data.endswith(b"\n")), int(spans.sum()), 0)
    batch = Batch(frame, pl.Series(lines[good], dtype=pl.Int64), n_good + n_bad)
    if not of_one_separator(frame):
        batch = _without_others(batch, layout.where, problems)
    if not chunk.valid:
        batch = _readable(batch, layout.where, problems)
    if used == len(data):
        return batch, None
    rest = data[used:]
    n_lines = rest.count(b"\n") + (not rest.endswith(b"\n"))
    return batch, Chunk(rest, chunk.first_line + chunk.n_lines - n_lines, n_lines, chunk.valid)


def _read(data: bytes, layout: Layout, *, as_texts: bool) -> pl.DataFrame:
    quote = '"' if layout.quoted else None
    if not as_texts:
        with suppress(PolarsError):  # a value that is no number is named later, if all are texts
            return layout.typed(data, quote)
    return layout.frame(data, quote)


def _line(data: bytes, start: int) -> str:
    end = data.find(b"\n", start)
    text = data[start : end if end >= 0 else len(data)][: 4 * VALUE_LENGTH + 4]
    return text.decode("utf-8", "ignore").rstrip("\r")


def _readable(batch: Batch, where: str, problems: Problems) -> Batch:
    """Without the rows in whose fields bytes could not be read."""
    frame = batch.frame
    bad = frame.select(pl.any_horizontal(pl.all().fill_null("").str.contains(_UNREADABLE, literal=True))).to_series()
    if not bad.any():
        return batch
    return _without(batch, bad, NOT_TEXT, where, problems, frame)


def _without_others(batch: Batch, where: str, problems: Problems) -> Batch:
    """Without the lines that another separator takes apart."""
    alone = batch.frame.select(_ALONE)
    rest = Batch(batch.frame.drop(_ALONE), batch.lines, batch.n_records)
    return _without(rest, alone[_ALONE].is_not_null(), OTHERWISE, where, problems, alone)


def _without(batch: Batch, bad: pl.Series, reason: str, where: str, problems: Problems, texts: pl.DataFrame) -> Batch:
    """Without rows that are counted as broken, and shown with what is in those of `texts`."""
    rows = bad.arg_true()[:SHOWN].to_list()
    shown = [(line, " ".join(filter(None, texts.row(row)))) for row, line in zip(rows, batch.places(rows), strict=True)]
    problems.add(reason, int(bad.sum()), where, "", shown, broken=True)
    problems.n_rows += int(bad.sum())
    every = pl.Series(batch.places(range(batch.frame.height)), dtype=pl.Int64)
    return Batch(batch.frame.filter(~bad), every.filter(~bad), batch.n_records)
