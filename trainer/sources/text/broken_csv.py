"""CSV that polars does not read whole: line by line, every line that is no row counted and named."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping, Sequence

import polars as pl

from trainer.rows.batches import Batch, texts
from trainer.rows.problems import SHOWN, Problems
from trainer.sources.text.files import Chunk

RECORD_LINES = 100  # lines of one record; a quotation mark that is open for longer was never meant to open
TOO_MANY = "more fields than columns"
NEVER_CLOSED = "a quotation mark that is never closed"
NOT_TEXT = "bytes that are no UTF-8"
_UNREADABLE = "\ufffd"


def take_apart(chunk: Chunk, separator: str, quoted: bool, width: int, at: Mapping[str, int], where: str, problems: Problems) -> Batch:
    """The rows of a chunk as texts, with their lines. `at`: the place of each role's field; `width`: fields of a row."""
    text = chunk.data.decode("utf-8", "replace")
    if quoted and '"' in text:
        batch = _with_quotes(text, chunk.first_line, separator, width, at, where, problems)
    else:
        batch = _without_quotes(text, chunk.first_line, separator, width, at, where, problems)
    return batch if chunk.valid else _readable(batch, where, problems)


def _without_quotes(text: str, first_line: int, separator: str, width: int, at: Mapping[str, int], where: str, problems: Problems) -> Batch:
    lines = pl.Series("line", text.removesuffix("\n").split("\n"), dtype=pl.String).str.strip_suffix("\r")
    fields = lines.str.split(separator)
    # Separators at the end of a line make fields that nobody misses.
    too_many = (fields.list.len() > width) & (lines.str.strip_chars_end(separator).str.split(separator).list.len() > width)
    frame = pl.DataFrame([fields.list.get(place, null_on_oob=True).alias(role) for role, place in at.items()])
    frame = frame.with_columns(pl.when(pl.all() != "").then(pl.all()))
    if not too_many.any():
        return Batch(frame, first_line)
    wrong = too_many.arg_true()[:SHOWN].to_list()
    problems.add(TOO_MANY, int(too_many.sum()), where, "", [(first_line + row, lines[row]) for row in wrong], broken=True)
    problems.n_rows += int(too_many.sum())
    numbers = pl.int_range(first_line, first_line + frame.height, eager=True)
    return Batch(frame.filter(~too_many), numbers.filter(~too_many))


def _with_quotes(text: str, first_line: int, separator: str, width: int, at: Mapping[str, int], where: str, problems: Problems) -> Batch:
    lines = text.removesuffix("\n").split("\n")
    columns: dict[str, list[str | None]] = {role: [] for role in at}
    numbers: list[int] = []
    for line, record in _records(lines, separator):
        if record is None or (len(record) > width and any(record[width:])):
            problem = NEVER_CLOSED if record is None else TOO_MANY
            problems.add(problem, 1, where, "", [(first_line + line, lines[line].rstrip("\r"))], broken=True)
            problems.n_rows += 1
            continue
        for role, place in at.items():
            columns[role].append((record[place] or None) if place < len(record) else None)
        numbers.append(first_line + line)
    return Batch(texts(columns), pl.Series(numbers, dtype=pl.Int64))


def _records(lines: Sequence[str], separator: str) -> Iterator[tuple[int, list[str] | None]]:
    """Where each record begins, and its fields; None for a line whose quotation mark is never closed."""
    at = 0
    while at < len(lines):
        reader, begin = _Lines(lines, at), at
        records = csv.reader(reader, delimiter=separator)
        while True:
            begin = reader.at
            reader.end = begin + RECORD_LINES
            try:
                record = next(records)
            except StopIteration:
                at = len(lines)
                break
            except (csv.Error, _TooLongError):
                record = None
            # At the end of the text csv takes an open field for a closed one.
            if record is None or (reader.at == len(lines) and reader.at - begin > 1 and "\n".join(lines[begin:]).count('"') % 2):
                yield begin, None
                at = begin + 1
                break
            yield begin, record


class _TooLongError(Exception):
    """A record goes on beyond the lines that it may have."""


class _Lines:
    """Lines for csv.reader, from `at` on; the one at `end` is refused."""

    def __init__(self, lines: Sequence[str], at: int) -> None:
        self._lines, self.at, self.end = lines, at, 0

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if self.at >= len(self._lines):
            raise StopIteration
        if self.at >= self.end:
            raise _TooLongError
        self.at += 1
        return self._lines[self.at - 1] + "\n"


def _readable(batch: Batch, where: str, problems: Problems) -> Batch:
    """Without the rows in whose fields bytes could not be read."""
    frame = batch.frame
    bad = frame.select(pl.any_horizontal(pl.all().fill_null("").str.contains(_UNREADABLE, literal=True))).to_series()
    if not bad.any():
        return batch
    rows = bad.arg_true()[:SHOWN].to_list()
    shown = [(line, " ".join(filter(None, frame.row(row)))) for row, line in zip(rows, batch.places(rows), strict=True)]
    problems.add(NOT_TEXT, int(bad.sum()), where, "", shown, broken=True)
    problems.n_rows += int(bad.sum())
    every = pl.Series(batch.places(range(frame.height)), dtype=pl.Int64)
    return Batch(frame.filter(~bad), every.filter(~bad))
