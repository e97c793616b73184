"""Texts whose lines are of different lengths: baskets without names of columns, and Netflix's blocks of a movie."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import polars as pl

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from contract.settings.source import STDIN
from trainer.rows.batches import Batch
from trainer.rows.problems import EmptySourceError, Problems
from trainer.sources.shapes.baskets import ROW
from trainer.sources.tables.columns import AUTO
from trainer.sources.tables.file_kinds import LOOKED_AT, head_of
from trainer.sources.tables.locations import Location
from trainer.sources.text.files import TextFile

NOT_ITS_FIELDS = "a line with other fields than those around it"
BLOCKS = re.compile(rb"(?:\xef\xbb\xbf)?\s*\d+:\r?\n\d+(?:,\d+)?(?:,\d{4}-\d\d-\d\d)?\r?\n")
_FIELDS = ("customer", "rating", "date")
_SEPARATORS = ("\t", ";", "|", ",")


def in_blocks(location: Location) -> bool:
    """Whether a file begins with a line of a movie alone and a row that belongs to it."""
    if location.address == STDIN:
        return False  # what is read of a pipe is gone
    head = TextFile(location).head[:LOOKED_AT] if location.packing else head_of(Path(location.address))
    return BLOCKS.match(head) is not None


class _Lines:
    """Lines of a text, with their numbers; empty ones are left out."""

    named = True

    def __init__(self, location: Location, source: SourceSettings) -> None:
        self._file = TextFile(location, source.encoding)
        self.where, self.notes = self._file.address, tuple(self._file.notes)
        self._head = _stripped(self._file.head)
        if not self._head.len():
            raise EmptySourceError(f"{self.where} holds nothing but empty lines")

    def _chunks(self) -> Iterator[tuple[pl.Series, pl.Series]]:
        for chunk in self._file.chunks():
            lines = _stripped(chunk.data, filled=False)
            numbers = pl.Series(range(chunk.first_line, chunk.first_line + lines.len()), dtype=pl.Int64)
            filled = lines != ""
            yield lines.filter(filled), numbers.filter(filled)


class MovieBlocks(_Lines):
    """A line `123:` names a movie, and those after it are customer, rating and date of it, as the Netflix Prize has them."""

    def __init__(self, location: Location, source: SourceSettings) -> None:
        super().__init__(location, source)
        rows = self._head.filter(~self._head.str.ends_with(":"))
        n_fields = rows[0].count(",") + 1 if rows.len() else 0
        dated = rows.len() and "-" in rows[0]
        self._fields = list(_FIELDS) if n_fields == len(_FIELDS) else ["customer", "date" if dated else "rating"][: n_fields or 1]
        self.names: Sequence[str] = ["movie", *self._fields]
        self.notes = (*self.notes, "blocks of movies: a line such as 123: names the movie of those after it")

    def sample(self, column: str) -> pl.Series:
        return self._parsed(self._head, None)[0][column].drop_nulls()

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (texts)
        movie: str | None = None
        for lines, places in self._chunks():
            frame, good, movie = self._parsed(lines, movie)
            row, bad = ~lines.str.ends_with(":"), ~lines.str.ends_with(":") & ~good
            shown = [(places[at], lines[at]) for at in bad.arg_true().head(20)]
            problems.n_rows += int(row.sum())
            problems.add(NOT_ITS_FIELDS, int(bad.sum()), self.where, "", shown, broken=True)
            kept = row & good
            made = frame.select(pl.col(column).alias(role) for role, column in columns.items()).filter(kept)
            yield Batch(made, places.filter(kept), int(row.sum()))
        self._file.tell(problems)

    def _parsed(self, lines: pl.Series, movie: str | None) -> tuple[pl.DataFrame, pl.Series, str | None]:
        """Fields of each line, which lines have them all, and the movie that the last one belongs to."""
        heads = lines.str.ends_with(":")
        named = pl.when(heads).then(lines.str.strip_chars_end(":"))
        movies = pl.select(named.forward_fill().fill_null(pl.lit(movie, pl.String))).to_series()
        parts = lines.str.split(",")
        fields = {name: parts.list.get(at, null_on_oob=True) for at, name in enumerate(self._fields)}
        good = (parts.list.len() == len(self._fields)) & movies.is_not_null()
        return pl.DataFrame({"movie": movies, **fields}), good, movies[-1] if movies.len() else movie


class RaggedBaskets(_Lines):
    """All fields of a line are items, and the first one is the user, if the settings say so: nothing else could tell."""

    def __init__(self, location: Location, source: SourceSettings) -> None:
        super().__init__(location, source)
        if source.user_column not in ("1", ROW):
            raise DataError(
                f"{self.where}: say --user-column 1 where a basket begins with its user, or --user-column {ROW} where each is a user's own"
            )
        self._user = source.user_column == "1"
        self.names: Sequence[str] = ["1", "items"] if self._user else ["items"]
        self._separator = self._found() if source.separator == AUTO else source.separator
        self._several = True
        self._several = not (self._columns(self._head)["items"].list.len() == 1).all() if self._user else True

    def sample(self, column: str) -> pl.Series:
        return self._columns(self._head)[column]

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:  # noqa: ARG002 (texts)
        for lines, places in self._chunks():
            frame = self._columns(lines).select(pl.col(column).alias(role) for role, column in columns.items())
            problems.n_rows += frame.height
            yield Batch(frame, places, lines.len())
        self._file.tell(problems)

    def _found(self) -> str:
        seen = [one for one in _SEPARATORS if self._head.str.contains(one, literal=True).any()]
        if len(seen) > 1:
            raise DataError(f"{self.where}: what separates the fields is not certain ({', '.join(map(repr, seen))}); say --separator")
        return seen[0] if seen else " "

    def _columns(self, lines: pl.Series) -> pl.DataFrame:
        quoted = len(self._separator) == 1 and lines.str.contains('"', literal=True).any()
        rows = (
            pl.Series([next(csv.reader([line], delimiter=self._separator)) for line in lines], dtype=pl.List(pl.String))
            if quoted
            else lines.str.split(self._separator)
        )
        if not self._user:
            return pl.DataFrame({"items": rows})
        items = rows.list.slice(1)
        # Two fields in every line: the second may be a list with separators of its own, which Baskets looks at.
        return pl.DataFrame({"1": rows.list.first(), "items": items if self._several else items.list.join(self._separator)})


def _stripped(data: bytes, *, filled: bool = True) -> pl.Series:
    lines = pl.Series("line", data.decode("utf-8", "replace").split("\n"), dtype=pl.String).str.strip_chars(" \r\ufeff")
    lines = lines.head(lines.len() - (data.endswith(b"\n") or not data))
    return lines.filter(lines != "") if filled else lines
