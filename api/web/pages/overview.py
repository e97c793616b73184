"""The first page: what is served, what is being made, and whether anything is wrong. Its upper part is asked for again and again."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

from flask import g, render_template

from api.web.context import PageContext, PageRoute
from api.web.pages.runbook import section
from api.web.views.alarms import WORDS, alarms, state
from api.web.views.formats import age_of
from api.web.views.remedies import remedies
from api.web.views.runs.happenings import shown
from api.web.views.runs.tiles import Tiles, tiles
from api.web.views.snapshot import Snapshot, take
from api.web.views.traffic import TrafficMeter
from contract.errors import LarderError
from contract.experiments import shares
from contract.experiments.answers import ArmAnswers
from contract.experiments.answers import shares as answered
from contract.experiments.arms import arms_of
from contract.formats.states import GenerationState, RunState
from contract.store.history import History
from contract.store.runs import STAGES

BUSY_EVERY_S, IDLE_EVERY_S = 1, 5
TILE_RUNS = 40
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


class ArmRow(NamedTuple):
    """Of an arm: its share, what it serves, and what was answered to users whom it knows."""

    arm: str
    share: str
    generation: str
    answers: str
    errors: str
    empty: str


def pages(context: PageContext, is_page: Callable[[str], bool]) -> list[PageRoute]:
    meter = TrafficMeter(context.metrics)

    def seen() -> dict[str, Any]:
        snapshot = take(context)
        if snapshot.run and g.get("access") != "admin":
            snapshot = replace(snapshot, run=snapshot.run.without_details())
        traffic = meter.read(is_page)
        found = alarms(snapshot, context.settings.stale_after_s, traffic)
        overall = state(found)
        return {
            "seen": snapshot,
            "alarms": found,
            "state": overall,
            "state_word": WORDS[overall],
            "remedies": [remedies(alarm.slug, snapshot) for alarm in found],
            "advice": section(found[0].slug) if found else None,
            "happened": shown(snapshot.happened, is_admin=g.get("access") == "admin"),
            "age_s": age_of(snapshot.pointer.trained_at) if snapshot.pointer else None,
            "stages": stages(snapshot),
            "pace": pace(snapshot),
            "every_s": BUSY_EVERY_S if snapshot.is_busy else IDLE_EVERY_S,
            "arms": _arms(context, snapshot),
            "traffic": traffic,
        }

    def overview() -> str:
        found = seen()
        pointer = found["seen"].pointer
        return render_template("overview.html", **found, tiles=_tiles(pointer.generation if pointer else ""))

    def live() -> str:
        return render_template("live.html", **seen())

    def _tiles(served: str) -> Tiles:
        try:
            return tiles(context.store.breaker.ask(lambda redis: History(redis, context.store.keys).newest(TILE_RUNS)), served)
        except LarderError:  # the rest of the page says so
            return Tiles("", [])

    return [PageRoute("/", overview), PageRoute("/live", live, is_part=True)]


def _arms(context: PageContext, seen: Snapshot) -> list[ArmRow]:
    """Of the experiment that runs."""
    found = arms_of(seen.pointer) if seen.pointer else None
    if found is None:
        return []
    try:
        counts = context.store.breaker.ask(lambda redis: ArmAnswers(redis, context.store.keys, found.experiment.id).read()[0])
    except LarderError:  # the rest of the page says so
        counts = {}
    rows = []
    for arm, of in zip(found.experiment.arms, found.pointers, strict=True):
        n, errors, empty = answered(counts, arm.name)
        said = (f"{n:,}", f"{errors:.2%}", f"{empty:.2%}") if n else ("none yet", "", "")
        rows.append(ArmRow(arm.name, shares.share_of(found.experiment, arm), of.generation, *said))
    return rows


def stages(seen: Snapshot) -> list[Stage]:
    """How far each stage of the latest run is; before the one it is in all are over."""
    run, scoring = seen.run, seen.scoring
    if run is None:
        return []
    over = run.state == RunState.DISPATCHED or scoring is not None
    at = STAGES.index(run.stage) if run.stage in STAGES else -1
    later = "not reached" if run.state in (RunState.FAILED, RunState.CANCELLED) else "waiting"
    found = []
    for number, stage in enumerate(STAGES):
        if over or number < at:
            found.append(Stage(TITLES[stage], "done", 1, 1))
        elif number == at:
            status = run.state if run.state in (RunState.FAILED, RunState.CANCELLED) else RunState.RUNNING
            found.append(Stage(TITLES[stage], status, min(run.done, run.total), run.total))
        else:
            found.append(Stage(TITLES[stage], later, 0, 0))
    if scoring is None:
        return [*found, Stage(TITLES["score"], later, 0, 0)]
    status = RunState.CANCELLED if run.state == RunState.CANCELLED else _OF_SCORING.get(scoring.state, "done")
    done = scoring.n_shards if status == "done" else scoring.shards_recorded  # records of shards go with the lists of a generation
    return [*found, Stage(TITLES["score"], status, done, scoring.n_shards)]


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
