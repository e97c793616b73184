"""JSON lines: one object a line. A chunk that polars refuses is read line by line."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import polars as pl
from polars.exceptions import PolarsError

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.batches import Batch
from trainer.rows.problems import EmptySourceError, Problems
from trainer.sources.tables.columns import is_known
from trainer.sources.tables.locations import Location
from trainer.sources.text.dialects import PYTHON
from trainer.sources.text.files import Chunk, TextFile

LOOKED_AT = 1000  # lines in which the names of columns are looked for
NO_OBJECT = "no JSON object on the line"
KEY_TWICE = "a key that stands twice, with other values"
NO_TEXT = "half of a surrogate pair, which is no text"
NO_ID = "a value that is neither text nor integer for an id"
_SURROGATE = re.compile("[\ud800-\udfff]")
_HALF_PAIR = re.compile(rb"(?<!\\u[dD][89abAB][0-9a-fA-F]{2})\\u[dD][c-fC-F]|\\u[dD][89abAB][0-9a-fA-F]{2}(?!\\u[dD][c-fC-F])")
_NUMBER = rb"-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?"
_TEXT_OR_INTEGER = rb'"(?!")[^"\\]*(?:\\.[^"\\]*)*"|-?[1-9]\d*|0'


class JsonLinesTable:
    """A file of JSON objects; keys of nested objects are not looked at."""

    named = True

    def __init__(self, location: Location, source: SourceSettings) -> None:
        self.file = TextFile(location, source.encoding)
        self.where, self.notes = self.file.address, tuple(self.file.notes)
        parsed = [_object(line) for line in self.file.head.decode("utf-8", "replace").split("\n")[:LOOKED_AT] if line.strip()]
        self._head = [row for row in parsed if row is not None]
        if not self.file.head.strip():
            raise EmptySourceError(f"{self.where} holds nothing but empty lines")
        if fault := _no_lines(self.file.head.decode("utf-8", "replace"), self._head):
            raise DataError(f"{self.where} holds {fault}")
        self.names = list(dict.fromkeys(name for row in self._head for name in row))

    def sample(self, column: str) -> pl.Series:
        found = [row[column] for row in self._head if row.get(column) is not None]
        return pl.Series(column, [value if isinstance(value, str) else json.dumps(value) for value in found], dtype=pl.String)

    def batches(self, columns: Mapping[str, str], numbers: Sequence[str], problems: Problems) -> Iterator[Batch]:
        schema: dict[str, Any] = {column: pl.Float64 if role in numbers else pl.String for role, column in columns.items()}
        simple = all(_is_id(row.get(columns[role])) for row in self._head for role in ("user", "item") if role in columns)
        for chunk in self.file.chunks():
            batch = (self._whole(chunk, columns, schema) if simple else None) or self._by_lines(chunk, columns, problems)
            problems.n_rows += batch.frame.height
            yield batch
        self.file.tell(problems)

    def _whole(self, chunk: Chunk, columns: Mapping[str, str], schema: Mapping[str, Any]) -> Batch | None:
        if not chunk.valid or not chunk.data.strip() or _half_pair(chunk.data):
            return None
        counts = {role: _plain_values(chunk.data, column, schema[column] == pl.Float64) for role, column in columns.items()}
        if any(count is None for count in counts.values()):
            return None
        try:
            frame = pl.read_ndjson(chunk.data, schema=schema)
        except PolarsError:
            return None
        if frame.height != chunk.n_lines:
            return None
        if any(frame.height - frame[columns[role]].null_count() != count for role, count in counts.items()):
            return None  # a key stands twice in some object, or within another object
        return Batch(frame.select(pl.col(column).alias(role) for role, column in columns.items()), chunk.first_line, chunk.n_lines)

    def _by_lines(self, chunk: Chunk, columns: Mapping[str, str], problems: Problems) -> Batch:
        values: dict[str, list[str | None]] = {role: [] for role in columns}
        lines: list[int] = []
        n_records = sum(1 for line in chunk.data.split(b"\n") if line.strip())
        keys = [json.dumps(column, ensure_ascii=False) for column in columns.values()]
        for line, text in enumerate(chunk.data.decode("utf-8", "replace").split("\n"), chunk.first_line):
            if not text.strip():
                continue
            row = _object(text)
            reason = NO_OBJECT if row is None else _why_broken(row, text, columns, keys)
            if row is None or reason:
                problems.n_rows += 1
                problems.add(reason, 1, self.where, "", [(line, text)], broken=True)
                continue
            for role, column in columns.items():
                value = row.get(column)
                values[role].append(value if isinstance(value, str) or value is None else json.dumps(value))
            lines.append(line)
        frame = pl.DataFrame(values, schema=dict.fromkeys(columns, pl.String))
        # An empty text is no value, as in CSV.
        return Batch(frame.with_columns(pl.when(pl.all() != "").then(pl.all())), pl.Series(lines, dtype=pl.Int64), n_records)


def _no_lines(head: str, objects: Sequence[Mapping[str, Any]]) -> str:
    """What a file holds that is not one JSON object a line, and what to do; "" if it seems to be."""
    text = head.lstrip()
    if "\x1e" in head[:2]:
        return "JSON objects with a record separator (the character 1E) before each; leave these out"
    if text.startswith("["):
        python = PYTHON.match(text[1:].lstrip())
        return "a list of Python literals; write each with json.dumps, one a line" if python else "a JSON array; write one object a line"
    lines = text.split("\n")
    if len(objects) == 1 < len(lines) - 1 and _object(lines[0].strip().removesuffix(",")) is not None and lines[0].strip().endswith(","):
        objects = ()  # of all lines, the last alone has no comma behind it
    if not objects:
        if lines[0].strip() == "{":
            return "JSON objects over several lines; write one a line"
        if _object(lines[0].strip().removesuffix(",")) is not None:
            return "JSON objects with a comma behind each; leave the commas out"
        if PYTHON.match(text):
            return "Python literals ({'a': 1}) and not JSON; write each with json.dumps(ast.literal_eval(line))"
        return "several JSON objects on a line; write one a line" if re.match(r"\{.*\}\s*\{", text) else "no JSON object on any line"
    if len(objects) > 1:
        return ""
    if len(objects[0]) > 1 and all(isinstance(value, dict | list) and len(value) > 1 for value in objects[0].values()):
        return "one JSON object with a value for each column; write one object a row, one a line (pandas: orient='records', lines=True)"
    if any(map(is_known, objects[0])):
        return ""
    lists = [name for name, value in objects[0].items() if isinstance(value, list) and value and isinstance(value[0], dict)]
    return f"one JSON object with its rows in {lists[0][:40]!r}; write one object a line" if lists else ""


def _half_pair(data: bytes) -> bool:
    """Whether half of a surrogate pair may be escaped there, which polars reads as another letter."""
    return b"\\u" in data and _HALF_PAIR.search(data) is not None


def _plain_values(data: bytes, column: str, number: bool) -> int | None:
    """How many values other than null the column has, if all are such that polars reads them as Python does; else None."""
    key = json.dumps(column, ensure_ascii=False).encode()
    after = re.compile(re.escape(key) + rb"\s*:\s*(?:(null)|" + (_NUMBER if number else _TEXT_OR_INTEGER) + rb")\s*[,}]")
    found = after.findall(data)
    return len(found) - sum(map(bool, found)) if len(found) == data.count(key) else None


def _object(text: str) -> dict[str, Any] | None:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None


def _why_broken(row: Mapping[str, Any], text: str, columns: Mapping[str, str], keys: Sequence[str]) -> str:
    """The reason why an object is no row, or "". `keys`: the columns, as JSON writes them."""
    if not all(_is_id(row.get(columns[role])) for role in ("user", "item") if role in columns):
        return NO_ID
    if any(isinstance(value := row.get(column), str) and _SURROGATE.search(value) for column in columns.values()):
        return NO_TEXT
    return KEY_TWICE if any(text.count(key) > 1 for key in keys) and _twice(text, columns) else ""


def _twice(text: str, columns: Mapping[str, str]) -> bool:
    """Whether an object has one of the keys twice, with different values: which is meant?"""
    pairs: Sequence[tuple[str, Any]] = json.loads(text, object_pairs_hook=tuple)
    return any(len({json.dumps(value) for key, value in pairs if key == column}) > 1 for column in columns.values())


def _is_id(value: object) -> bool:
    whole = isinstance(value, int) or (isinstance(value, float) and value.is_integer())
    return value is None or isinstance(value, str) or (whole and not isinstance(value, bool))
