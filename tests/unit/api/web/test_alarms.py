from __future__ import annotations

import re
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest

from api.web.pages.overview import pace, stages
from api.web.pages.runbook import html_of
from api.web.views import alarms as module
from api.web.views.alarms import alarms, state
from api.web.views.remedies import remedies
from api.web.views.runs.happenings import happenings, shown
from api.web.views.snapshot import Generation, Snapshot
from api.web.views.traffic import Traffic
from contract.audit import Change
from contract.formats.manifest import Manifest
from contract.formats.verdict import Verdict
from contract.queue.state import Queue, Worker
from contract.store.progress import Event, Progress
from contract.store.replicas.lost import POPULAR, USERS, Lost
from contract.store.runs import RunStatus
from tests.support.builders import make_manifest
from tests.support.paths import ROOT

RUNBOOK = (ROOT / "docs" / "runbook.md").read_text()
WORKER = Worker("w", "score", "host, process 1", "idle", "", 1.0, 3, 0)
NOW = datetime(2026, 1, 2, 3, 10, tzinfo=UTC)


def progress_of(name: str = "g1", **fields: object) -> Progress:
    texts = {key: str(value).encode() for key, value in {"state": "current", "n_shards": 4, "n_users": 10, **fields}.items()}
    return Progress.of(name, {key.encode(): value for key, value in texts.items()}, int(str(fields.get("recorded", 4))))


def generation_of(manifest: Manifest, **fields: object) -> Generation:
    return Generation(progress_of(manifest.generation, **fields), manifest, Verdict())


def healthy() -> Snapshot:
    manifest = make_manifest("g1", trained_at="2126-01-02T03:04:05Z")
    queues = tuple(Queue(name, 0, 0, 0, (WORKER,)) for name in ("train", "score"))
    return Snapshot(NOW, pointer=manifest.pointer(), generations=(generation_of(manifest),), queues=queues)


def evaluated(ndcg: float, popularity: float) -> dict[str, object]:
    return {"k": 10, "split": "time", "model": {"ndcg": ndcg}, "popularity": {"ndcg": popularity}}


def run(state: str, **fields: object) -> RunStatus:
    given: dict[str, object] = {"stage": "fit", "done": 0, "total": 0, "message": "", **fields}
    return RunStatus("g2", state, **given)  # type: ignore[arg-type]


def made(**fields: object) -> Snapshot:
    """The latest run, g2, and what it has made so far."""
    seen = healthy()
    return replace(seen, run=run("dispatched"), generations=(generation_of(make_manifest("g2"), **fields), *seen.generations))


def lost_of(generation: str) -> Lost:
    return Lost(generation=generation, held={USERS: 7, POPULAR: 0}, wanted={USERS: 10, POPULAR: 1}, why="its artifact is gone")


def poor() -> Snapshot:
    manifest = make_manifest("g1", trained_at="2126-01-02T03:04:05Z", evaluation=evaluated(0.1, 0.2))
    return replace(healthy(), generations=(generation_of(manifest),))


def test_nothing_is_wrong() -> None:
    assert alarms(healthy(), 3600) == []
    assert state([]) == "healthy"


@pytest.mark.parametrize(
    ("slug", "overall", "seen"),
    [
        ("store-away", "failing", Snapshot(NOW, away="redis is gone")),
        ("nothing-promoted", "failing", replace(healthy(), pointer=None)),
        ("worse-than-popularity", "warning", poor()),
        ("run-failed", "warning", replace(healthy(), run=run("failed", message="no such file"))),
        ("run-failed", "warning", made(state="failed", reason="a shard died")),
        ("refused", "warning", made(state="complete", waits="refused", because="nDCG fell")),
        ("review", "healthy", made(state="complete", waits="review")),
        ("arms", "warning", made(state="complete", waits="arms", because="generation g2-ease of arm model=ease is refused")),
        ("held", "warning", replace(healthy(), held=Event("g1", 1, "someone"))),
        ("queue-away", "warning", replace(healthy(), queues=(), queue_away="it is gone")),
        ("no-trainer", "warning", replace(healthy(), queues=(Queue("train", 1, 0, 0, ()),))),
        ("no-worker", "warning", replace(healthy(), queues=(Queue("score", 1, 0, 0, ()),))),
        ("jobs-failed", "healthy", replace(healthy(), queues=(Queue("score", 0, 0, 2, (WORKER,)),))),
        ("store-disk", "failing", replace(healthy(), disk="its append-only file can't be written")),
        ("store-evicts", "failing", replace(healthy(), memory={"used_memory": 5, "maxmemory": 100, "maxmemory_policy": "volatile-ttl"})),
        ("lists-lost", "failing", replace(healthy(), lost=(lost_of("g1"),))),
        ("lists-lost", "warning", replace(healthy(), lost=(lost_of("g0"),))),
        ("lists-unpacked", "healthy", replace(healthy(), is_unpacked=True)),
        ("store-full", "warning", replace(healthy(), memory={"used_memory": 95, "maxmemory": 100})),
    ],
)
def test_each_alarm(slug: str, overall: str, seen: Snapshot) -> None:
    (found,) = alarms(seen, 3600)
    assert (found.slug, state([found])) == (slug, overall)
    assert found.why.endswith(".")


def test_stale_lists() -> None:
    manifest = make_manifest("g1", trained_at="2020-01-01T00:00:00Z")
    seen = replace(healthy(), pointer=manifest.pointer())
    (found,) = alarms(seen, 3600)
    assert (found.slug, state([found])) == ("stale", "stale")
    assert alarms(seen, 0) == []


def test_the_gravest_comes_first_and_decides() -> None:
    seen = Snapshot(NOW, away="gone", queues=(Queue("score", 0, 0, 1, (WORKER,)), Queue("train", 1, 0, 0, ())))
    found = alarms(seen, 0)
    assert [alarm.severity for alarm in found] == ["failing", "warning", "note"]
    assert state(found) == "failing"


def test_a_failed_run_is_told_once() -> None:
    def failed(n: int) -> list[str]:
        return [alarm.slug for alarm in alarms(replace(healthy(), run=run("failed"), queues=(Queue("train", 0, 0, n, (WORKER,)),)), 0)]

    assert failed(1) == ["run-failed"]
    assert failed(2) == ["run-failed", "jobs-failed"]


def test_of_many_findings_the_alarm_tells_the_first() -> None:
    (found,) = alarms(made(state="complete", waits="refused", because="nDCG is low; recall is low; users are gone"), 0)
    assert found.why == "Generation g2: nDCG is low. And 2 more: compare it with what is served."


def test_a_generation_whose_shards_are_forgotten_was_scored() -> None:
    assert [(one.status, one.done, one.total) for one in stages(made(state="complete", recorded=0))][-1] == ("done", 4, 4)


def test_every_alarm_has_a_section_of_the_runbook() -> None:
    source = Path(module.__file__ or "").read_text()
    slugs = set(re.findall(r'Alarm\("([a-z-]+)"', source)) | {"no-trainer", "no-worker"}
    assert len(slugs) >= 12
    page = html_of(RUNBOOK)
    for slug in slugs:
        assert re.search(rf'^<a id="{slug}"></a>\n\n### \S', RUNBOOK, re.MULTILINE), f"{slug} has a heading"
        assert re.search(rf'<h3 id="{slug}"', page), slug


def test_stages_of_a_run_on_its_way() -> None:
    seen = replace(healthy(), run=run("running", stage="fit", done=3, total=8))
    assert [(one.status, one.done, one.total) for one in stages(seen)] == [
        ("done", 1, 1), ("done", 1, 1), ("running", 3, 8), ("waiting", 0, 0), ("waiting", 0, 0), ("waiting", 0, 0),
    ]  # fmt: skip
    assert seen.is_busy


def test_stages_while_shards_are_scored() -> None:
    seen = made(state="scoring", recorded=1, began_at_ms=int(NOW.timestamp() * 1000) - 2000, users_written=4)
    assert [one.status for one in stages(seen)] == ["done"] * 5 + ["running"]
    assert (stages(seen)[-1].done, stages(seen)[-1].total, seen.is_busy) == (1, 4, True)
    found = pace(seen)
    assert found is not None
    assert (found.per_s, found.left_s) == (2.0, 3.0)


def test_stages_of_a_run_that_failed_or_is_over() -> None:
    failed = [one.status for one in stages(replace(healthy(), run=run("failed", stage="evaluate")))]
    assert failed == ["done", "failed", *["not reached"] * 4]
    over = made(state="current")
    assert {one.status for one in stages(over)} == {"done"}
    assert (pace(over), over.is_busy) == (None, False)
    assert stages(healthy()) == []


def test_a_first_run_on_its_way_is_no_failure() -> None:
    seen = replace(healthy(), pointer=None, generations=(), run=run("running"))
    (found,) = alarms(seen, 3600)
    assert (found.severity, state([found])) == ("note", "starting")
    assert remedies("nothing-promoted", seen) == []
    assert [one.path for one in remedies("nothing-promoted", replace(seen, run=None))] == ["/change/retrain"]


@pytest.mark.parametrize(
    ("slug", "paths"),
    [
        ("run-failed", ["/history/g2", "/change/retrain"]),
        ("refused", ["/compare?a=g1&b=g2", "/change/promote?generation=g2"]),
        ("review", ["/compare?a=g1&b=g2", "/change/promote?generation=g2"]),
        ("held", ["/change/release"]),
        ("stale", ["/change/retrain"]),
        ("worse-than-popularity", ["/change/retrain"]),
        ("store-away", []),
    ],
)
def test_an_alarm_brings_its_buttons(slug: str, paths: list[str]) -> None:
    assert [one.path for one in remedies(slug, made(state="complete", waits="refused"))] == paths


@pytest.mark.parametrize(("answers", "errors", "slugs"), [(1000, 11, ["errors"]), (1000, 10, []), (99, 99, []), (100, 100, ["errors"])])
def test_errors_are_an_alarm_once_there_are_enough_answers(answers: int, errors: int, slugs: list[str]) -> None:
    traffic = Traffic((), answers, None, 0.0, answers, errors)
    assert [one.slug for one in alarms(healthy(), 3600, traffic)] == slugs
    away = alarms(replace(healthy(), away="no"), 3600, traffic)
    assert "errors" not in [one.slug for one in away], "Redis is told of alone"


def test_what_changed_last_comes_first() -> None:
    moves = [Event("g2", 3000, "someone", "rollback"), Event("g1", 1000, "a worker", "run")]
    runs = [RunStatus("19700101-000002-aaaa", "failed", "fit", 0, 1, "why"), RunStatus("by-hand", "failed", "", 0, 1, "")]
    refused = progress_of("g3", state="complete", waits="refused", because="nDCG", completed_at_ms=2500)
    changes = [Change(at="1970-01-01T00:00:04.000Z", by="key x", what=what) for what in ("items", "promote")]
    started = Change(at="1970-01-01T00:00:02.900Z", by="key x", what="run", after="in any words", run="19700101-000002-aaaa")
    changes += [started, Change(at="1970-01-01T00:00:00.500Z", by="key x", what="run", after="run 19700101-000000-aaaa is queued")]
    found = happenings(moves, runs, [refused], changes)
    assert [(one.run, one.what, one.by) for one in found] == [
        ("", "Items were replaced", "key x"),
        ("g2", "rolled back to it", "someone"),
        ("g3", "refused by the gate", ""),
        ("19700101-000002-aaaa", "failed at stage fit", ""),
        ("19700101-000002-aaaa", "was started", "key x"),
        ("g1", "promoted by its run", ""),
        ("", "A run was started", "key x"),  # of a log that had no field for the run
    ]
    assert shown(found, is_admin=False)[0].run == "g2", "the log of changes is for who may change things"
    assert len(shown(found, is_admin=True)) == 7
