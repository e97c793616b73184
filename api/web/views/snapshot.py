"""One look at everything that the overview shows: five round trips to the store, two to the queues."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, cast

from pydantic import ValidationError
from redis import Redis

from api.web.context import PageContext
from api.web.views.capacity import disk, events, feeds, is_unpacked, memory
from api.web.views.runs.happenings import Happening, happenings
from contract.audit import newest_changes
from contract.errors import LarderError, NothingPromotedError
from contract.experiments.ending import last_ending
from contract.formats.keys import Keys
from contract.formats.manifest import Manifest, Pointer
from contract.formats.reports.tuned import Tuned, told
from contract.formats.states import GOING, GenerationState, RunState
from contract.formats.verdict import Verdict
from contract.queue.state import Queue, read_queues
from contract.store.progress import Event, Progress
from contract.store.replicas.lost import Lost
from contract.store.runs import Runs, RunStatus
from contract.store.streams.feeds import FeedState
from contract.store.streams.stream import Waiting

SHOWN_GENERATIONS = 20
SHOWN_CHANGES = 12
LOOKED_AT_RUNS = 20  # for the one that trains, which those behind it in the queue are newer than


@dataclass(frozen=True, slots=True)
class Generation:
    """`manifest` is None for one of another version, or whose lists are gone."""

    progress: Progress
    manifest: Manifest | None
    verdict: Verdict

    @property
    def name(self) -> str:
        return self.progress.generation

    def measured(self, of: str = "model") -> dict[str, float]:
        """The measures of "model" or "popularity", by name; nothing where nothing was measured."""
        evaluation = self.manifest.evaluation if self.manifest else None
        found = evaluation.get(of) if evaluation else None
        return {name: float(value) for name, value in found.items()} if isinstance(found, dict) else {}

    @property
    def why(self) -> str:
        """Why it failed, or waits, or was served all the same."""
        waits = f"{self.progress.waits}: {self.progress.because}" if self.progress.waits else ""
        forced = f"forced by {self.progress.forced_by}" if self.progress.forced_by else ""
        return "; ".join(part for part in (self.progress.reason, waits, forced) if part)


@dataclass(frozen=True, slots=True)
class Snapshot:
    """`away` and `queue_away` say why the store, or the queues, could not be read. Generations come newest first.

    `due_ms`: when the trainer's schedule starts the next run; None where there is no schedule.
    """

    now: datetime
    away: str = ""
    queue_away: str = ""
    pointer: Pointer | None = None
    generations: tuple[Generation, ...] = ()
    held: Event | None = None
    run: RunStatus | None = None
    queues: tuple[Queue, ...] = ()
    tuned: Tuned | None = None
    memory: Mapping[str, Any] = field(default_factory=dict)
    disk: str = ""
    events: Waiting | None = None
    feeds: Sequence[FeedState] = ()
    happened: tuple[Happening, ...] = ()
    lost: tuple[Lost, ...] = ()
    is_unpacked: bool = False
    due_ms: int | None = None

    def find(self, name: str) -> Generation | None:
        return next((one for one in self.generations if one.name == name), None)

    @property
    def current(self) -> Generation | None:
        return self.find(self.pointer.generation) if self.pointer else None

    @property
    def model(self) -> str:
        """The model that is served, and what chose it; "" where that is not known."""
        return told(self.current.manifest) if self.current and self.current.manifest else ""

    @property
    def advice(self) -> str:
        """What would do better than the model that is served; "" where nothing would, or nobody has looked."""
        manifest = self.current.manifest if self.current else None
        return self.tuned.advice if manifest and self.tuned and self.tuned.speaks_of(manifest) else ""

    @property
    def scoring(self) -> Progress | None:
        """What the latest run has made so far."""
        made = self.find(self.run.run) if self.run else None
        return made.progress if made else None

    @property
    def is_busy(self) -> bool:
        """Whether the latest run is on its way."""
        if self.run is None:
            return False
        return self.run.state in GOING or (self.scoring is not None and self.scoring.state == GenerationState.SCORING)


def take(context: PageContext) -> Snapshot:
    """Never raises for a Redis that is away: that, too, is something to show."""
    now, parts = datetime.now(UTC), dict[str, Any]()
    try:
        parts["pointer"] = context.store.pointers.refresh()
    except NothingPromotedError:
        pass
    except LarderError as error:
        parts["away"] = str(error)
    if "away" not in parts:
        try:
            served = parts.get("pointer")
            parts |= context.store.breaker.ask(lambda redis: _read(redis, context.store.keys, served.generation if served else ""))
        except LarderError as error:
            parts["away"] = str(error)
        parts["memory"], parts["events"], parts["feeds"] = memory(context), events(context), feeds(context)
        parts["disk"], parts["is_unpacked"] = disk(context), is_unpacked(context, parts.get("pointer"))
    try:
        parts["queues"] = context.queue.ask(lambda redis: read_queues(redis, context.settings.namespace, now))
    except LarderError as error:
        parts["queue_away"] = str(error)
    return Snapshot(now=parts.pop("now", now), **parts)


def _read(redis: Redis, keys: Keys, served: str) -> dict[str, Any]:
    """The newest generations, the one that is served however old, and the run that is at work, else the latest."""
    with redis.pipeline(transaction=False) as pipe:
        pipe.zrevrange(keys.generations, 0, SHOWN_GENERATIONS - 1)
        pipe.get(keys.hold)
        pipe.lrange(keys.runs, 0, LOOKED_AT_RUNS - 1)
        pipe.get(keys.tuned)
        pipe.lrange(keys.promoted, 0, SHOWN_CHANGES - 1)
        pipe.hvals(keys.lost)
        pipe.get(keys.due)
        pipe.time()
        ids, hold, runs, tuned, moves, lost, due, (seconds, micros) = pipe.execute()
    names = [raw.decode() for raw in cast("list[bytes]", ids)]
    if served and served not in names:
        names.append(served)
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hgetall(keys.generation(name))
            pipe.hlen(keys.shards(name))
        answers = iter(pipe.execute())
    found = [(name, next(answers), next(answers)) for name in names]
    shown = tuple(generation_of(name, raw, recorded) for name, raw, recorded in found if raw)
    statuses = [status for raw in runs if (status := Runs(redis, keys).get(raw.decode()))]
    return {
        "generations": shown,
        "held": Event(**json.loads(hold)) if hold else None,
        "run": _at_work(statuses),
        "happened": happenings(
            [Event(**json.loads(move)) for move in cast("list[bytes]", moves)],
            statuses,
            [generation.progress for generation in shown],
            newest_changes(redis, keys, SHOWN_CHANGES),
            last_ending(redis, keys),
        ),
        "tuned": Tuned.read(tuned) if tuned else None,
        "lost": tuple(Lost.model_validate_json(raw) for raw in lost),
        "due_ms": int(due) if due and int(due) > 1000 * seconds else None,
        "now": datetime.fromtimestamp(seconds + micros / 1e6, UTC),
    }


def _at_work(runs: Sequence[RunStatus]) -> RunStatus | None:
    """Of runs, newest first, the one that trains; runs behind it wait in the queue. Else the latest."""
    return next((run for run in runs if run.state == RunState.RUNNING), runs[0] if runs else None)


def generation_of(name: str, raw: Mapping[bytes, bytes], recorded: int) -> Generation:
    """From the generation's hash, and the number of its shards that are recorded."""
    try:
        manifest = Manifest.model_validate_json(raw[b"manifest"])
    except (KeyError, ValidationError):
        manifest = None
    try:
        verdict = Verdict.model_validate_json(raw[b"verdict"])
    except (KeyError, ValidationError):
        verdict = Verdict()
    return Generation(Progress.of(name, raw, recorded), manifest, verdict)
