"""What is remembered of runs when their generations are gone."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis

from api.app import create_app
from contract.formats.keys import Keys
from contract.formats.verdict import Verdict
from contract.settings.settings import ModelSettings, Settings
from contract.store import history as module
from contract.store.history import History, RunRecord
from tests.support.builders import make_manifest
from tests.support.generation_maker import evaluation

KEYS = Keys()
DAY = timedelta(days=1)
NOW = datetime(2026, 3, 1, tzinfo=UTC)


def record(run: str, at: datetime = NOW, ndcg: float = 0.25) -> RunRecord:
    settings = ModelSettings(k=5, model="ease", normalize=False)
    manifest = make_manifest(run, trained_at=at.isoformat(), evaluation=evaluation(ndcg, 0.125), settings=settings)
    return RunRecord.of(manifest, Verdict(passed=False, because="users are missing"), 12.345)


def test_a_record_says_what_the_run_was_worth(store_redis: Redis) -> None:
    history = History(store_redis, KEYS)
    history.add(record("a"))
    (found,) = history.newest()
    assert found == record("a")
    assert found.settings == {"model": "ease", "normalize": False, "k": 5}
    assert (found.model["ndcg"], found.model["novelty"], found.popularity["ndcg"]) == (0.25, 4.5, 0.125)
    assert (found.passed, found.because, found.seconds, found.n_users) == (False, "users are missing", 12.35, 1)
    assert len(found.model_dump_json(exclude_defaults=True)) < 2048


def test_a_second_try_takes_the_place_of_the_first(store_redis: Redis) -> None:
    history = History(store_redis, KEYS)
    for ndcg in (0.25, 0.5):
        history.add(record("a", ndcg=ndcg))
    assert [one.model["ndcg"] for one in history.newest()] == [0.5]


def test_a_year_and_so_many_are_kept(store_redis: Redis, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MOST", 4)
    history = History(store_redis, KEYS)
    for days in (400, 366, 364, 3, 2, 1, 0):
        history.add(record(f"r{days}", NOW - days * DAY))
    assert [one.run for one in history.newest()] == ["r0", "r1", "r2", "r3"]
    assert [one.run for one in history.newest(2)] == ["r0", "r1"]
    history.add(record("next", NOW + 364 * DAY))
    assert [one.run for one in history.newest()] == ["next", "r0", "r1"]
    assert store_redis.hlen(KEYS.history) == store_redis.zcard(f"{KEYS.history}:times") == 3


def test_a_record_of_another_version_is_left_out(store_redis: Redis) -> None:
    history = History(store_redis, KEYS)
    history.add(record("a"))
    history.add(record("b"))
    store_redis.hset(KEYS.history, "a", b'{"form": 2}')
    assert [one.run for one in history.newest()] == ["b"]


def test_the_api_and_the_page_read_it(store_redis: Redis, redis_server: str) -> None:
    history, admin = History(store_redis, KEYS), "admin-" + "a" * 16
    for days in (2, 1, 0):
        history.add(record(f"gone{days}", NOW - days * DAY, 0.25 + days / 10))
    client = create_app(Settings.from_environ({"LARDER_REDIS_URL": redis_server, "LARDER_API_ADMIN_KEYS": admin})).test_client()
    answer = client.get("/runs?limit=2", headers={"Authorization": f"Bearer {admin}"})
    assert answer.status_code == 200
    assert [(one["run"], one["model"]["ndcg"]) for one in answer.get_json()["runs"]] == [("gone0", 0.25), ("gone1", 0.35)]
    assert client.get("/runs").status_code == 401
    page = client.get("/history").text
    for days in (0, 1, 2):
        assert f'href="/history/gone{days}"' in page
