"""Ids that stand on more than one row of a table of items or of users. The last row counts; what the others say is told."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import polars as pl

from trainer.rows.problems import shortened

_SHOWN = 3  # ids in a message


class Doubled(NamedTuple):
    """What to tell of them: ids whose rows contradict each other, with places and values; ids whose rows are the same. "": none."""

    differ: str = ""
    same: str = ""

    @property
    def told(self) -> str:
        return "; ".join(filter(None, self))


def doubled(frame: pl.DataFrame, key: str, places: pl.Series, place: str, *, named: bool) -> Doubled:
    """Of a frame in which ids, the column `key`, stand more than once. `places`: the number of each row, 0: not known; `place`: what it
    counts. `named`: whether a message may name ids; those of users must not be in a log.
    """
    again = frame[key].is_duplicated()
    rows, places = frame.filter(again), places.filter(again)
    last = rows.select(key).with_row_index("row").select(pl.col("row").last().over(key)).to_series()
    differ = pl.DataFrame({name: rows[name].ne_missing(rows[name].gather(last)) for name in rows.columns if name != key})
    some = differ.select(pl.any_horizontal(pl.all())).to_series() if differ.width else pl.repeat(False, rows.height, eager=True)
    n_differ = rows[key].filter(some).n_unique()
    n_same = rows[key].n_unique() - n_differ
    examples = "; ".join(_examples(rows, key, last, differ, some, places, place, named=named))
    return Doubled(
        f"{n_differ:,} {key}s stand on rows that differ, and the last row counts ({examples})" if n_differ else "",
        f"{n_same:,} {key}s stand on several rows that are the same" if n_same else "",
    )


def _examples(
    rows: pl.DataFrame, key: str, last: pl.Series, differ: pl.DataFrame, some: pl.Series, places: pl.Series, place: str, *, named: bool
) -> Iterator[str]:
    first = rows.select(key).with_row_index("row").filter(some).unique(key, keep="first", maintain_order=True)
    for row in first["row"].head(_SHOWN).to_list():
        column = next(name for name in differ.columns if differ[name][row])
        known = f"{place}s {places[row]:,} and {places[last[row]]:,}" if places[row] else ""
        whose = f"{key} {shortened(rows[key][row])!r}" if named else ""
        what = f"{column} {_shown(rows[column][row])} and {_shown(rows[column][last[row]])}"
        yield ": ".join(filter(None, (", ".join(filter(None, (whose, known))), what)))


def _shown(value: Any) -> str:
    if isinstance(value, pl.Series):
        value = ", ".join(map(str, value))
    return "nothing" if value is None or value == "" else repr(shortened(str(value)))
