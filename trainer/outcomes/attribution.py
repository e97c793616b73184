"""Which item that was shown an event belongs to.

One that names a request belongs to what that answer showed of the item to the user, and to nothing where no such answer is in the sample.
One that names none belongs to the last time the item was shown to the user before it, within a window. Moments are whole seconds, as
those of events are. Where a client gives many requests one id, the last answer before the event counts, else the first after it.
"""

from __future__ import annotations

import polars as pl

AT, EVENT = "at", "event"
_REQUEST = ["request_id", "pair"]
_PAIR = ["pair"]


def attribute(shown: pl.DataFrame, events: pl.DataFrame, window_s: int) -> tuple[pl.DataFrame, pl.DataFrame]:
    """Pairs of `event` and `at`, an event once at the most: by the request, and by the window.

    `shown`: at, request_id, pair, second, of which a greater `at` came later. `events`: event, request_id, pair, second. `pair`: a number
    for a user with an item.
    """
    shown = shown.sort("second", AT)
    events = events.sort("second", EVENT)
    names_one = pl.col("request_id") != ""
    asked = events.filter(names_one)
    before = _last_before(asked, shown, _REQUEST, None)
    rest = asked.join(before, on=EVENT, how="anti")
    after = _joined(rest, shown.unique([*_REQUEST, "second"], keep="first", maintain_order=True), _REQUEST, "forward", None)
    return pl.concat([before, after]), _last_before(events.filter(~names_one), shown, _PAIR, window_s)


def _last_before(events: pl.DataFrame, shown: pl.DataFrame, by: list[str], window_s: int | None) -> pl.DataFrame:
    return _joined(events, shown.unique([*by, "second"], keep="last", maintain_order=True), by, "backward", window_s)


def _joined(events: pl.DataFrame, shown: pl.DataFrame, by: list[str], strategy: str, window_s: int | None) -> pl.DataFrame:
    found = events.join_asof(
        shown.select(AT, "second", *by),
        on="second",
        by=by,
        strategy=strategy,  # type: ignore[arg-type]
        tolerance=window_s,
        check_sortedness=False,  # they are, and polars can't tell within groups
    )
    return found.filter(pl.col(AT).is_not_null()).select(EVENT, AT)
