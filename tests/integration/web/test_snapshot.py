"""What the first page reads: the run that trains, the stage that failed, and what is served, however old."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from redis import Redis

from api.web.pages.overview import stages
from api.web.views import snapshot
from contract.formats.keys import Keys
from contract.store.generations import Generations
from contract.store.runs import Runs
from tests.support.builders import make_manifest

KEYS = Keys("larder")


def seen(redis: Redis, served: str = "") -> snapshot.Snapshot:
    return snapshot.Snapshot(**{"now": datetime.now(UTC), **snapshot._read(redis, KEYS, served)})


def test_the_run_that_trains_is_shown_before_those_that_wait_behind_it(store_redis: Redis) -> None:
    runs = Runs(store_redis, KEYS)
    for run in ("r1", "r2", "r3"):
        runs.queued(run)
    runs.set("r2", "running", "fit", 1, 2)
    found = seen(store_redis).run
    assert found is not None
    assert (found.run, found.stage) == ("r2", "fit")
    runs.set("r2", "dispatched")
    latest = seen(store_redis).run
    assert latest is not None
    assert latest.run == "r3"


def test_the_stage_that_failed_is_shown_as_failed(store_redis: Redis) -> None:
    runs = Runs(store_redis, KEYS)
    runs.queued("r1")
    runs.set("r1", "running", "fit", 1, 2)
    runs.set("r1", "failed", message="DataError: nothing to fit")
    shown = {stage.title: stage.status for stage in stages(seen(store_redis))}
    assert [title for title, status in shown.items() if status == "failed"] == ["Fit the model"]
    assert next(iter(shown.values())) == "done"


def test_what_is_served_is_read_however_many_are_newer(store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    generations = Generations(store_redis, KEYS)
    for name in ("a", "b", "c"):
        generations.begin(make_manifest(name))
    monkeypatch.setattr(snapshot, "SHOWN_GENERATIONS", 2)
    assert [one.name for one in seen(store_redis, "a").generations] == ["c", "b", "a"]
    assert [one.name for one in seen(store_redis, "b").generations] == ["c", "b"]


def test_a_scheduled_run_is_shown_until_its_time(store_redis: Redis) -> None:
    assert seen(store_redis).due_ms is None
    store_redis.set(KEYS.due, due := round(1000 * (datetime.now(UTC).timestamp() + 3600)))
    assert seen(store_redis).due_ms == due
    store_redis.set(KEYS.due, due - 2 * 3600 * 1000)
    assert seen(store_redis).due_ms is None
