"""/history: the runs of the last year as lines and as a table; /history/RUN: all that is known of one, also of one that failed."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from flask import g, render_template, request
from redis import Redis
from werkzeug.exceptions import NotFound

from api.web.pages.overview import stages
from api.web.pages.runbook import section
from api.web.site import Page, Site
from api.web.views.runs.figures import FIGURES
from api.web.views.runs.timelines import DAY_S, timeline, when_of
from api.web.views.runs.tuning_plot import TuningPlot, tuning_plot
from api.web.views.snapshot import Snapshot, generation_of
from contract.formats.ids import is_generation_id
from contract.formats.states import RunState
from contract.store.history import History, RunRecord
from contract.store.runs import Runs, RunStatus
from contract.store.tunings import Tunings

ROWS = 25  # of a page of the table
RANGES = {"7": "7 days", "30": "30 days", "90": "90 days", "365": "a year", "": "all"}
ENDED_BADLY = (RunState.FAILED, RunState.CANCELLED)


@dataclass(frozen=True, slots=True)
class Entry:
    """A row of the table: of a run that made a generation, or of one that did not."""

    run: str
    record: RunRecord | None
    status: RunStatus | None

    @property
    def outcome(self) -> str:
        if self.record is None:
            return self.status.state if self.status else "unknown"
        return "passed" if self.record.passed else "refused"

    @property
    def text(self) -> str:
        record = self.record
        return f"{self.run} {record.source} {record.settings} {record.because}".casefold() if record else self.run


def pages(site: Site) -> list[Page]:
    def listed() -> str:
        records, statuses, tuned = site.store.breaker.ask(_read)
        asked = {name: request.args.get(name, "") for name in ("days", "from", "to", "q", "outcome")}
        chosen = within(records, asked)
        start, end = _seconds(asked["from"]), _seconds(asked["to"])
        charts = [chart for figure in FIGURES if (chart := timeline(figure, chosen[::-1], start, end)) is not None]
        rows = filtered(entries(records, statuses), asked["q"], asked["outcome"])
        page = min(max(0, _number(request.args.get("page", ""))), max(0, (len(rows) - 1) // ROWS))
        shown: dict[str, Any] = {"charts": charts, "asked": asked, "ranges": RANGES, "n_chosen": len(chosen), "n_records": len(records)}
        shown |= {"rows": rows[page * ROWS : (page + 1) * ROWS], "n_rows": len(rows), "page": page, "n_pages": -(-len(rows) // ROWS)}
        pointer = site.ask(lambda generations: generations.current())
        return render_template("history.html", **shown, plot=tuned, served=pointer.generation if pointer else "")

    def _read(redis: Redis) -> tuple[list[RunRecord], list[RunStatus], TuningPlot | None]:
        found = Tunings(redis, site.store.keys).latest()
        return History(redis, site.store.keys).newest(), Runs(redis, site.store.keys).newest(), tuning_plot(found) if found else None

    def one(run: str) -> str:
        if not is_generation_id(run):
            raise NotFound("There is no run of this id.")

        def read(redis: Redis) -> tuple[RunStatus | None, str, RunRecord | None, dict[bytes, bytes]]:
            runs, keys = Runs(redis, site.store.keys), site.store.keys
            record = next((each for each in History(redis, keys).newest() if each.run == run), None)
            return runs.get(run), runs.log_of(run), record, redis.hgetall(keys.generation(run))  # type: ignore[return-value]

        status, log, record, raw = site.store.breaker.ask(read)
        if status is None and record is None and not raw:
            raise NotFound(f"Nothing is known of run {run}, or not any more: a failed run is remembered for a week, others for a year.")
        is_admin = g.get("access") == "admin"
        shown_status = status if status is None or is_admin else status.without_details()
        generation = generation_of(run, raw, 0) if raw else None
        pointer = site.ask(lambda generations: generations.current())
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
            one=generation,
            served=pointer.generation if pointer else "",
            advice=section("run-failed") if has_failed else None,
            has_failed=has_failed,
        )

    return [Page("/history", listed), Page("/history/<run>", one)]


def within(records: Sequence[RunRecord], asked: dict[str, str]) -> list[RunRecord]:
    """Those of the range that is asked for, newest first."""
    start, end = _seconds(asked["from"]), _seconds(asked["to"])
    if asked["days"] in RANGES and asked["days"]:
        start = time.time() - float(asked["days"]) * DAY_S
    return [record for record in records if start <= when_of(record) and (not end or when_of(record) <= end)]


def entries(records: Sequence[RunRecord], statuses: Sequence[RunStatus]) -> list[Entry]:
    """Newest first: the ids of runs begin with the time."""
    status_of = {status.run: status for status in statuses}
    found = {record.run: Entry(record.run, record, status_of.get(record.run)) for record in records}
    for status in statuses:
        found.setdefault(status.run, Entry(status.run, None, status))
    return sorted(found.values(), key=lambda entry: entry.run, reverse=True)


def filtered(rows: list[Entry], text: str, outcome: str) -> list[Entry]:
    words = text.casefold().split()
    return [row for row in rows if all(word in row.text for word in words) and (not outcome or row.outcome == outcome)]


def _seconds(text: str) -> float:
    return float(text) if text.isascii() and text.isdecimal() and len(text) < 12 else 0.0


def _number(text: str) -> int:
    return int(_seconds(text))
