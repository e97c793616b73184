"""What a CSV of users, items, weights and times says, read by Python's csv module alone: the measure of every faster way."""

from __future__ import annotations

import csv
from collections.abc import Iterator
from functools import lru_cache

import numpy as np

from contract.settings.source import SourceSettings

WIDTH = 4
MISSING = frozenset(SourceSettings().missing_values) | {""}
_AROUND = " \t\n\ufeff"
_RETURN = "\x02"  # csv refuses a carriage return within a line
Row = tuple[str, str, float, int]
TRIGGERS = {
    "nothing": "5,2,3,1400000000",
    "too many fields": "5,2,3,1400000000,9,9",
    "a separator at the end": "5,2,3,1400000000,",
    "two separators at the end": "5,2,3,1400000000,,",
    "too few fields": "5,2,3",
    "one field": "5",
    "an empty line": "",
    "blanks": "   ",
    "NA as weight": "5,2,NA,1400000000",
    "text as weight": "5,2,good,1400000000",
    "a padded weight": "5,2, 3 ,1400000000",
    "a decimal comma": '5,2,"1,5",1400000000',
    "no weight": "5,2,,1400000000",
    "zero": "5,2,0,1400000000",
    "a negative weight": "5,2,-1,1400000000",
    "infinity": "5,2,inf,1400000000",
    "not a number": "5,2,nan,1400000000",
    "an exponent": "5,2,1e0,1400000000",
    "text as time": "5,2,3,yesterday",
    "no time": "5,2,3,",
    "a padded time": "5,2,3,1400000000 ",
    "a text as user": "abc,2,3,1400000000",
    "a text as item": "5,abc,3,1400000000",
    "NA as user": "NA,2,3,1400000000",
    "an empty user": ",2,3,1400000000",
    "an empty item": "5,,3,1400000000",
    "a float as user": "1.0,2,3,1400000000",
    "zeros before an item": "5,007,3,1400000000",
    "a plus": "+5,2,3,1400000000",
    "minus zero": "-0,2,3,1400000000",
    "a blank before a user": " 5,2,3,1400000000",
    "a quoted blank before a user": '" 5",2,3,1400000000',
    "beyond 64 bits": "9223372036854775808,2,3,1400000000",
    "a letter of latin-1": "caf\udce9,2,3,1400000000",  # codespell:ignore
    "a carriage return": "a\rb,2,3,1400000000",
    "a byte order mark": "\ufeff5,2,3,1400000000",
    "a line end in quotation marks": '"a\nb",2,3,1400000000',
    "a line end in the last field": '5,2,3,"1400000000\n"',
    "quotation marks": '"a ""b"", c",2,3,1400000000',
    "a mark that closes nothing": '5,a"b,3,1400000000',
    "a mark that is never closed": '5,"2,3,1400000000',
}


def rows(text: str) -> Iterator[Row]:
    """The rows that can be used; those of `text` whose marks are in order."""
    for record in csv.reader(line + "\n" for line in text.replace("\r", _RETURN).removesuffix("\n").split("\n")):
        fields = [field.replace(_RETURN, "\r") for field in record]
        if len(fields) <= WIDTH and (row := _row(fields + [""] * (WIDTH - len(fields)))):
            yield row


def patched(n: int, at: int, line: str) -> tuple[str, list[Row]]:
    """A file of n good rows without names, one of them another line; and what is to be read from it."""
    good, wanted = _good(n)
    lines, expected = good.copy(), wanted.copy()
    lines[at] = line
    broken = line == TRIGGERS["a mark that is never closed"] or "\udce9" in line
    expected[at : at + 1] = [] if broken else list(rows(line))
    return "\n".join(lines) + "\n", expected


@lru_cache(maxsize=2)
def _good(n: int) -> tuple[list[str], list[Row]]:
    lines = [f"{row % 9001},{row % 5003},{1 + row % 5},{1_500_000_000 + row}" for row in range(n)]
    return lines, list(rows("\n".join(lines)))


def _row(fields: list[str]) -> Row | None:
    user, item, weight, time = (field.strip(_AROUND) for field in fields)
    try:
        value, seconds = np.float32(weight), float(time)
    except ValueError:
        return None
    if user in MISSING or item in MISSING or not (np.isfinite(value) and value > 0):
        return None
    return user, item, float(value), int(seconds)
