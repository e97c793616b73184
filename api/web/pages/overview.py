"""The first page: what is served, what is being made, and whether anything is wrong. Its upper part is asked for again and again."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Self

from flask import g, render_template

from api.web.site import Page, Site
from api.web.views.alarms import WORDS, alarms, state
from api.web.views.charts import LineChart, line_chart
from api.web.views.formats import age_of
from api.web.views.snapshot import Generation, Snapshot, take
from api.web.views.traffic import TrafficMeter
from contract.formats.states import GenerationState, RunState
from contract.store.history import RunRecord
from contract.store.runs import STAGES

BUSY_EVERY_S, IDLE_EVERY_S = 1, 5
TITLES = {
    "load": "Load interactions", "evaluate": "Measure the model", "fit": "Fit the model", "write": "Write the artifact",
    "dispatch": "Enqueue shards", "score": "Score",
}  # fmt: skip
MEASURES = {"ndcg": "nDCG", "precision": "Precision", "recall": "Recall", "map": "MAP", "coverage": "Coverage"}
_OF_SCORING: dict[str, str] = {GenerationState.SCORING: RunState.RUNNING, GenerationState.FAILED: RunState.FAILED}


@dataclass(frozen=True, slots=True)
class Stage:
    """`total` is 0 while nothing is known of how far it is."""

    title: str
    status: str
    done: int
    total: int


def pages(site: Site, is_page: Callable[[str], bool]) -> list[Page]:
    meter = TrafficMeter(site.metrics)

    def seen() -> dict[str, Any]:
        snapshot = take(site)
        if snapshot.run and g.get("access") != "admin":
            snapshot = replace(snapshot, run=snapshot.run.without_details())
        found = alarms(snapshot, site.settings.stale_after_s)
        overall = state(found)
        return {
            "seen": snapshot,
            "alarms": found,
            "state": overall,
            "state_word": WORDS[overall],
            "age_s": age_of(snapshot.pointer.trained_at) if snapshot.pointer else None,
            "stages": stages(snapshot),
            "pace": pace(snapshot),
            "every_s": BUSY_EVERY_S if snapshot.is_busy else IDLE_EVERY_S,
            "traffic": meter.read(is_page),
        }

    def overview() -> str:
        found = seen()
        return render_template("overview.html", **found, measures=MEASURES, charts=charts(found["seen"]))

    def live() -> str:
        return render_template("live.html", **seen())

    return [Page("/", overview), Page("/live", live, is_part=True)]


def stages(seen: Snapshot) -> list[Stage]:
    """How far each stage of the latest run is; before the one it is in all are over."""
    run, scoring = seen.run, seen.scoring
    if run is None:
        return []
    over = run.state == RunState.DISPATCHED or scoring is not None
    at = STAGES.index(run.stage) if run.stage in STAGES else -1
    found = []
    for number, stage in enumerate(STAGES):
        if over or number < at:
            found.append(Stage(TITLES[stage], "done", 1, 1))
        elif number == at:
            status = run.state if run.state in (RunState.FAILED, RunState.CANCELLED) else RunState.RUNNING
            found.append(Stage(TITLES[stage], status, min(run.done, run.total), run.total))
        else:
            found.append(Stage(TITLES[stage], "waiting", 0, 0))
    if scoring is None:
        return [*found, Stage(TITLES["score"], "waiting", 0, 0)]
    status = RunState.CANCELLED if run.state == RunState.CANCELLED else _OF_SCORING.get(scoring.state, "done")
    return [*found, Stage(TITLES["score"], status, scoring.shards_recorded, scoring.n_shards)]


@dataclass(frozen=True, slots=True)
class Pace:
    """Users a second since scoring began, by Redis' clock, and how long the rest will take at that rate; None: not known yet."""

    per_s: float | None
    left_s: float | None


def pace(seen: Snapshot) -> Pace | None:
    """None when nothing is being scored."""
    scoring = seen.scoring
    if scoring is None or scoring.state != GenerationState.SCORING:
        return None
    took = seen.now.timestamp() - scoring.began_at_ms / 1000
    if took <= 0 or not scoring.users_written:
        return Pace(None, None)
    per_s = scoring.users_written / took
    return Pace(per_s, (scoring.n_users - scoring.users_written) / per_s)


def charts(seen: Snapshot) -> list[LineChart]:
    """Each measure over the runs that were measured, oldest first, beside popularity: those that are remembered, then generations that
    are not, as of an earlier version."""
    measured = [_Measured.of_record(record) for record in reversed(seen.history) if record.model]
    known = {record.run for record in seen.history}
    measured += [_Measured.of(one) for one in reversed(seen.generations) if one.measured() and one.name not in known]
    measured.sort(key=lambda one: one.at)
    names, found = [one.name for one in measured], []
    for measure, title in MEASURES.items():
        series = [("model", "model", [one.model.get(measure) for one in measured])]
        series.append(("popularity", "popularity", [one.popularity.get(measure) for one in measured]))
        if (chart := line_chart(title, names, series)) is not None:
            found.append(chart)
    return found


@dataclass(frozen=True, slots=True)
class _Measured:
    at: str
    name: str
    model: Mapping[str, float]
    popularity: Mapping[str, float]

    @classmethod
    def of(cls, one: Generation) -> Self:
        evaluation = (one.manifest.evaluation if one.manifest else None) or {}
        name = f"{one.name} (k = {evaluation.get('k')}, split by {evaluation.get('split')})"
        return cls(one.manifest.trained_at if one.manifest else "", name, one.measured(), one.measured("popularity"))

    @classmethod
    def of_record(cls, record: RunRecord) -> Self:
        return cls(record.trained_at, f"{record.run} (k = {record.k}, split by {record.split})", record.model, record.popularity)
