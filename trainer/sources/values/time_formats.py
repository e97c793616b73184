"""Formats of times that are texts, and how one reads a column."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl

from contract.errors import DataError
from trainer.rows.problems import shortened

DATES = ("%Y-%m-%d", "%Y/%m/%d", "%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y", "%m-%d-%Y", "%d-%m-%Y", "%m/%d/%y", "%d/%m/%y", "%Y%m%d", "%Y.%m.%d")
CLOCKS = ("%H:%M:%S%.f", "%H:%M", "%I:%M:%S %p", "%I:%M %p")
FORMATS = (
    *("%Y-%m-%dT%H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f%#z", "%Y-%m-%d %H:%M:%S%.f %#z", "%Y-%m-%d %H:%M:%S%.f UTC"),
    *("%Y-%m-%dT%H:%M:%S%.f", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M%#z"),
    *DATES,
    *(f"{date} {clock}" for date in DATES for clock in CLOCKS),
    *(f"{date}, {clock}" for date in ("%d.%m.%Y", "%m/%d/%Y", "%d/%m/%Y") for clock in CLOCKS),
    *(
        "%Y-%m-%d %H:%M:%S,%3f",
        "%Y-%m-%dT%H:%M:%S,%3f",
        "%Y:%m:%d %H:%M:%S",
        "%Y%m%dT%H%M%S",
        "%Y%m%dT%H%M%S%#z",
        "%Y-%m-%d %H:%M:%S%.f GMT",
    ),
    *("%m %d, %Y", "%b %d, %Y", "%B %d, %Y", "%d %b %Y", "%d %B %Y", "%d-%b-%Y", "%d-%b-%y", "%Y %b %d", "%Y-%m"),
    *("%a %b %d %H:%M:%S %Y", "%a, %d %b %Y %H:%M:%S %z", "%a %b %d %H:%M:%S %z %Y", "%d/%b/%Y:%H:%M:%S %z"),
    *(
        "%a, %d %b %Y %H:%M:%S GMT",
        "%a %b %d %H:%M:%S UTC %Y",
        "%a %b %d %Y %H:%M:%S GMT%z",
        "%d%b%Y:%H:%M:%S",
        "%G-W%V-%u",
        "%Y年%m月%d日",
    ),
)
_COMPLETED = {"%Y": ("%Y%m%d", "0101"), "%Y%m": ("%Y%m%d", "01"), "%Y-%m": ("%Y-%m-%d", "-01"), "%Y%m%d%H": ("%Y%m%d%H%M", "00")}
"""Formats that name no day or no minute, and what makes them whole."""
_YEARS_LAST = ("%d/%m/%y", "%m/%d/%y")
YEAR_1000 = -30_610_224_000  # before it, %Y has read a year of two digits


def parsed(texts: pl.Series, form: str) -> pl.Series:
    """Epoch seconds of texts by one format; null for what it does not read."""
    if form in _COMPLETED:
        form, rest = _COMPLETED[form]
        texts = texts + rest
    if "%H" in form or "%I" in form:
        seconds = texts.str.to_datetime(form, strict=False, time_unit="us").dt.epoch("s")
    else:
        seconds = texts.str.to_date(form, strict=False).dt.epoch("s")
    return seconds.set(seconds < YEAR_1000, None)


def refuse_years_first(texts: pl.Series, form: str, where: str) -> None:
    """Raises DataError where dates such as 24/01/05 may begin with the year: it has fewer values than the days, and none is ahead of us."""
    if not form.startswith(_YEARS_LAST) or parsed(texts, years_first := "%y/%m/%d" + form[8:]).null_count():
        return
    ends = [texts.str.extract(r"^(\d\d)/\d\d/(\d\d)", n) for n in (1, 2)]
    if ends[0].n_unique() < ends[1].n_unique() and not ends[0].null_count() and ends[0].max() <= f"{datetime.now(UTC):%y}":  # type: ignore[operator]
        raise DataError(f"{where}: times such as {shortened(texts[0])!r} may be {form} or {years_first}; say which with --time-format")


def other_order(form: str) -> str:
    """The format with day and month exchanged."""
    return form.replace("%m", "%0").replace("%d", "%m").replace("%0", "%d")
