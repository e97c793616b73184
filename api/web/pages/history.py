"""/history: the runs of the last year as lines and as a table; /history/RUN: all that is known of one, also of one that failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import partial
from typing import Any
from urllib.parse import urlencode

from flask import g, render_template, request
from redis import Redis
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.web.context import PageContext, PageRoute
from api.web.pages.overview import stages
from api.web.pages.runbook import section
from api.web.views.runs.figures import FIGURES
from api.web.views.runs.limits import limits_of
from api.web.views.runs.run_table import USUAL, Entry, as_table, columns_of, entries, filtered
from api.web.views.runs.timelines import DAY_S, timeline, when_of
from api.web.views.runs.tuning_plot import TuningPlot, tuning_plot
from api.web.views.runs.versus import beside_served
from api.web.views.snapshot import Snapshot, generation_of
from api.web.views.tables.choosing import choice
from api.web.views.tables.csv_text import csv_answer
from api.web.views.tables.sorting import Column, headings, ordered
from contract.formats.ids import is_generation_id
from contract.formats.states import RunState
from contract.store.history import History, RunRecord
from contract.store.runs import Runs, RunStatus
from contract.store.tunings import Tunings

ASKED = ("days", "from", "to", "q", "outcome", "sort")
ROWS = 25  # of a page of the table
RANGES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "": "all"}
ENDED_BADLY = (RunState.FAILED, RunState.CANCELLED)


def pages(context: PageContext) -> list[PageRoute]:
    def listed() -> str:
        records, statuses, tuned = context.store.breaker.ask(_read)
        asked = _asked()
        chosen = within(records, asked)
        start, end = _seconds(asked["from"]), _seconds(asked["to"])
        charts = [chart for figure in FIGURES if (chart := timeline(figure, chosen[::-1], start, end)) is not None]
        pointer = context.ask(lambda generations: generations.current())
        served = pointer.generation if pointer else ""
        rows, columns = _rows(records, statuses, asked, served)
        shows = choice(columns, USUAL, request.args.getlist("columns"))
        asked["columns"] = shows.address
        page = min(max(0, _number(request.args.get("page", ""))), max(0, (len(rows) - 1) // ROWS))
        shown: dict[str, Any] = {"charts": charts, "asked": asked, "ranges": RANGES, "n_chosen": len(chosen), "n_records": len(records)}
        shown |= {"columns": columns, "shows": shows, "headings": headings(shows.columns, asked["sort"]), "here": partial(_here, asked)}
        shown |= {"rows": rows[page * ROWS : (page + 1) * ROWS], "n_rows": len(rows), "page": page, "n_pages": -(-len(rows) // ROWS)}
        return render_template("history.html", **shown, plot=tuned, served=served)

    def as_csv() -> Response:
        """All rows that the filter leaves, of all pages, in the order of the page; all columns, or those that are asked for."""
        records, statuses, _ = context.store.breaker.ask(_read)
        pointer = context.ask(lambda generations: generations.current())
        rows, columns = _rows(records, statuses, _asked(), pointer.generation if pointer else "")
        every = [column.name for column in columns if not column.name.startswith("settings.")]
        return csv_answer("history.csv", *as_table(rows, choice(columns, every, request.args.getlist("columns")).columns))

    def _read(redis: Redis) -> tuple[list[RunRecord], list[RunStatus], TuningPlot | None]:
        found = Tunings(redis, context.store.keys).latest()
        return History(redis, context.store.keys).newest(), Runs(redis, context.store.keys).newest(), tuning_plot(found) if found else None

    def one(run: str) -> str:
        if not is_generation_id(run):
            raise NotFound("There is no run of this id.")

        def read(redis: Redis) -> tuple[RunStatus | None, str, list[RunRecord], dict[bytes, bytes]]:
            runs, keys = Runs(redis, context.store.keys), context.store.keys
            return runs.get(run), runs.log_of(run), History(redis, keys).newest(), redis.hgetall(keys.generation(run))  # type: ignore[return-value]

        status, log, records, raw = context.store.breaker.ask(read)
        record = next((each for each in records if each.run == run), None)
        if status is None and record is None and not raw:
            raise NotFound(f"Nothing is known of run {run}, or not any more: a failed run is remembered for a week, others for a year.")
        is_admin = g.get("access") == "admin"
        shown_status = status if status is None or is_admin else status.without_details()
        generation = generation_of(run, raw, 0) if raw else None
        before, measured = beside_served(record, records, generation.verdict.against if generation else "") if record else (None, [])
        pointer = context.ask(lambda generations: generations.current())
        seen = Snapshot(now=datetime.now(UTC), run=status, generations=(generation,) if generation else ())
        has_failed = status is not None and status.state in ENDED_BADLY
        return render_template(
            "run.html",
            run=run,
            status=shown_status,
            stages=stages(seen) if status else [],
            log=log if is_admin else "",
            has_log=bool(log),
            record=record,
            before=before,
            measured=measured,
            limits=limits_of(record.compared) if record else [],
            one=generation,
            served=pointer.generation if pointer else "",
            advice=section("run-failed") if has_failed else None,
            has_failed=has_failed,
        )

    return [PageRoute("/history", listed), PageRoute("/history.csv", as_csv), PageRoute("/history/<run>", one)]


def within(records: Sequence[RunRecord], asked: dict[str, str]) -> list[RunRecord]:
    """Those of the range that is asked for, newest first."""
    start, end = _seconds(asked["from"]), _seconds(asked["to"])
    if asked["days"] in RANGES and asked["days"]:
        start = time.time() - float(asked["days"]) * DAY_S
    return [record for record in records if start <= when_of(record) and (not end or when_of(record) <= end)]


def _asked() -> dict[str, str]:
    return {name: request.args.get(name, "") for name in ASKED}


def _rows(
    records: Sequence[RunRecord], statuses: Sequence[RunStatus], asked: dict[str, str], served: str
) -> tuple[list[Entry], list[Column[Entry]]]:
    """Those that the filter leaves, in the order that is asked for, and all columns of the table."""
    found = entries(records, statuses)
    columns = columns_of(found, served)
    return ordered(filtered(found, asked["q"], asked["outcome"]), columns, asked["sort"]), columns


def _here(asked: dict[str, str], more: dict[str, str | int], path: str = "/history") -> str:
    """This page with something else in its address."""
    fields = {name: value for name, value in {**asked, **more}.items() if value != ""}
    return f"{request.script_root}{path}{'?' if fields else ''}{urlencode(fields)}"


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0.0


def _number(text: str) -> int:
    return int(_seconds(text))
