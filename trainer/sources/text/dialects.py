"""How a CSV file is written: its separator and its line of names, as the settings say or as its beginning shows."""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from contract.errors import DataError
from contract.settings.settings import SourceSettings
from trainer.rows.notes import Note
from trainer.rows.problems import EmptySourceError, NoNamesError, shortened
from trainer.sources.tables.columns import is_known
from trainer.sources.text import preamble

SEPARATORS = (",", ";", "\t", "|", "::", "\x01", "^", " ")
PYTHON = re.compile(r"\{'[^'\n]*': ")
JSON = re.compile(r"\s*\{\s*\"[^\"\n]*\"\s*:.*\}\s*$", re.DOTALL)
LOOKED_AT = 50  # lines
FEW_ROWS, WIDER = 5, 0.9  # rows, and the part of them that has more fields than there are names
INNER = b"\x1f"  # in place of a separator of several characters, once a chunk is in memory
_QUOTED = re.compile(r'"(?:[^"]|"")*"')
_TYPED = re.compile(r"(.+):(?:token|float)(?:_seq)?")
_CONTROL = re.compile("[\x00-\x08\x0e-\x1f]")
_INNER = re.compile("[,;|\t]")
_NUMBER = re.compile(r"[+-]?\d+([.,]\d+)?([eE][+-]?\d+)?")


@dataclass(frozen=True, slots=True)
class Dialect:
    """`names` of the columns, made up (1, 2, 3, ...) where the file has none; `quoted`: quotation marks mean something."""

    separator: str
    names: tuple[str, ...]
    skip_lines: int
    """Lines before the first row."""
    surplus: int = 0
    """Empty fields that rows have beyond the names."""
    notes: tuple[str, ...] = ()

    @property
    def quoted(self) -> bool:
        return len(self.separator) == 1


def sniff(head: str, source: SourceSettings, where: str) -> Dialect:
    """The dialect of a text that begins with `head`. Raises DataError when there is no line of names where one must be."""
    records = _records(head)
    if not any(record.strip() for record in records):
        raise EmptySourceError(f"{where} holds nothing but empty lines")
    before = preamble.find(records, source, SEPARATORS, split)
    lines = [line for line in records[before.at :] if line.strip()][:LOOKED_AT]
    if not lines:
        raise EmptySourceError(f"{where} holds no rows")
    notes = list(before.notes)
    separator = source.separator
    if separator == "auto" and before.separator:
        separator = before.separator
    elif separator == "auto":
        separator = _separator(lines)
        if separator != ",":
            notes.append(Note(f"fields are separated by {separator!r}", "semicolons" if separator == ";" else ""))
    names = split(lines[0], separator)
    if JSON.match(lines[0]):
        raise DataError(f"{where} holds JSON lines and not CSV; give the file a name that ends in .jsonl (or .jsonl.gz, .jsonl.zst)")
    if PYTHON.match(lines[0]):
        raise DataError(f"{where} holds Python literals ({{'a': 1}}); write each as JSON, with json.dumps(ast.literal_eval(line))")
    if source.header:
        names[:1] = [name.lstrip(preamble.COMMENT + " ") for name in names[:1]]
        if odd := _CONTROL.search("".join(names)):
            raise DataError(
                f"{where}: its first line holds {odd[0]!r}, which no text has; is it a table of text? If it is, in another encoding, say "
                "--encoding; if that character separates columns, --separator"
            )
        if len(names) == 1 and _is_data(names):
            raise DataError(
                f"{where} has one column, which begins with {shortened(lines[0].strip())!r}; a row needs a user and an item. "
                "If another mark separates them, say --separator"
            )
        if _is_data(names):
            raise NoNamesError(
                f"{where} begins with {shortened(lines[0].strip())!r}, which looks like data and not like names of columns; say --no-header"
            )
        # Names are compared as people see them; the empty ones of an index column get one.
        names = [name.strip() or f"column {at}" for at, name in enumerate(names, 1)]
        if all(typed := [_TYPED.fullmatch(name) for name in names]):
            names = [found[1] for found in typed if found]
            notes.append("names of columns carry types, as RecBole writes them (user_id:token); they are left out")
    else:
        names = [str(at) for at in range(1, max(len(split(line, separator)) for line in lines) + 1)]
    skipped = records[: records.index(lines[0], before.at) + source.header] if source.header or before.separator else []
    rows = [split(line, separator) for line in lines[1:]]
    if source.header:
        _refuse_wider(lines[1:], rows, len(names), separator, where)
        if not source.baskets:
            _refuse_quoted(lines[1:], rows, where)
    surplus = _surplus(rows, len(names))
    return Dialect(separator, tuple(names), sum(1 + record.count("\n") for record in skipped), surplus, tuple(notes))


def lines_of(text: str) -> Iterator[str]:
    """What `text.split("\\n")` gives, one by one: few are asked for."""
    at = 0
    while (end := text.find("\n", at)) >= 0:
        yield text[at:end]
        at = end + 1
    yield text[at:]


def split(line: str, separator: str) -> list[str]:
    """The fields of one record."""
    bare = line.rstrip("\r\n")
    if len(separator) > 1:
        return bare.split(separator)
    if not ('"' in bare or "\r" in bare or "\n" in bare):  # then csv does the same, ten times as slowly
        return bare.split(separator) if bare else []
    try:
        return next(csv.reader(io.StringIO(line, newline=""), delimiter=separator), [])
    except csv.Error:
        return bare.split(separator)


def _refuse_wider(lines: Sequence[str], rows: Sequence[Sequence[str]], width: int, separator: str, where: str) -> None:
    """Raises DataError where nearly every row has more than the names: none of them could be used, and the reason is one."""
    wider = [row for line, row in zip(lines, rows, strict=True) if len(row) > width and row[-1].strip() and r"\"" not in line]
    if len(rows) < FEW_ROWS or len(wider) < WIDER * len(rows):
        return
    if separator == " " and any(not text for row in wider for text in row):
        raise DataError(f"{where}: several spaces set columns apart; write one separator between them, as a comma")
    raise DataError(
        f"{where}: its rows have {len(wider[0])} fields, and its line of names {width}. If the first field is the name of a row, as R "
        "writes it, leave it out (row.names=FALSE); if values hold the separator, put quotation marks around them"
    )


def _refuse_quoted(lines: Sequence[str], rows: Sequence[Sequence[str]], where: str) -> None:
    """Raises DataError where nearly every line stands in quotation marks as a whole: one field, with all separators in it."""
    whole = [line for line, row in zip(lines, rows, strict=True) if line.startswith('"') and len(row) == 1 and _INNER.search(row[0])]
    if len(rows) >= FEW_ROWS and len(whole) >= WIDER * len(rows):
        raise DataError(
            f"{where}: its lines stand in quotation marks as a whole, as {shortened(whole[0].strip())!r}; leave these marks out, so that "
            "each field has its own or none"
        )


def _surplus(rows: Sequence[Sequence[str]], width: int) -> int:
    """How many separators end the rows though no name stands behind them: as many in at least half of them, and no other number."""
    beyond = Counter(len(row) - width for row in rows if len(row) > width and not any(row[width:]))
    return next(iter(beyond)) if len(beyond) == 1 and 2 * beyond.total() >= len(rows) else 0


def _records(head: str) -> list[str]:
    """Lines, those joined that a quotation mark holds together, as long as it is closed within a few lines."""
    out: list[str] = []
    open_since = 0
    for line in islice(lines_of(head), LOOKED_AT * 4):
        if open_since and open_since < 10:
            out[-1] += "\n" + line
        else:
            out.append(line)
            open_since = 0
        open_since = open_since + 1 if out[-1].count('"') % 2 else 0
    return out


def _separator(lines: Sequence[str]) -> str:
    """The one that most lines hold equally often; of several, the one that makes the most fields."""
    bare = [_QUOTED.sub("", line) for line in lines]
    best, best_score = ",", (0.0, 0)
    for separator in SEPARATORS:
        counts = [line.count(separator) for line in bare]
        usual, times = Counter(counts).most_common(1)[0]
        if usual and counts[0] and (separator != " " or best_score[1] == 0):
            score = (round(times / len(lines), 1), usual)
            if score > best_score:
                best, best_score = separator, score
    return best


def _is_data(names: Sequence[str]) -> bool:
    """Whether a line that should hold names holds values: some number among them, and no name that is known."""
    return any(_NUMBER.fullmatch(name.strip()) for name in names) and not any(is_known(name) for name in names)
