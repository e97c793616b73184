"""Runs at set times: one for each, and none while one is still going."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.errors import SettingsError
from contract.formats.keys import Keys
from contract.queue.jobs import enqueue_run, run_job_id, train_queue
from contract.queue.leases import LeasedWorker, worker_name
from contract.settings.settings import Settings
from contract.store.connections import connect
from contract.store.generations import Generations
from contract.store.runs import Runs
from contract.store.training_right import right_to_train
from tests.support.builders import make_manifest
from trainer.service.schedule import Schedule, next_run, start_scheduled

KEYS = Keys("larder")


@pytest.fixture
def settings(redis_server: str) -> Settings:
    return Settings(redis_url=redis_server, cron="0 3 * * *")


def at(hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 11, 24, hour, minute).astimezone()


def test_what_falls_due_is_enqueued_once_as_a_run_that_the_service_reads(settings: Settings, store_redis: Redis) -> None:
    schedule = Schedule(settings, store_redis, store_redis, at(2))
    assert schedule.tick(at(2, 59)) is None
    run = schedule.tick(at(3))
    assert schedule.tick(at(3)) is None
    latest = Runs(store_redis, KEYS).latest()
    assert latest is not None
    assert (latest.run, latest.state) == (run, "queued")
    job = Job.fetch(run_job_id(latest.run), connection=store_redis, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.origin) == ("trainer.jobs.run", [run, {}, "", False], "larder-train")


def test_when_the_next_run_is_due_is_told_and_told_no_more_without_a_schedule(settings: Settings, store_redis: Redis) -> None:
    schedule = Schedule(settings, store_redis, store_redis, at(2))
    schedule.tick(at(2, 1))
    assert store_redis.get(KEYS.due) == b"%d" % (1000 * at(3).timestamp())
    schedule.tick(at(3))
    assert store_redis.get(KEYS.due) == b"%d" % (1000 * (at(3) + timedelta(days=1)).timestamp())
    Schedule(settings.model_copy(update={"cron": ""}), store_redis, store_redis, at(4)).tick(at(4))
    assert store_redis.get(KEYS.due) is None


def test_what_falls_due_in_several_trainers_is_started_once(settings: Settings, store_redis: Redis) -> None:
    schedules = [Schedule(settings, store_redis, store_redis, at(2)) for _ in range(3)]
    started = [schedule.tick(at(3, minute)) for minute, schedule in enumerate(schedules)]
    assert started[0]
    assert started[1:] == [None, None]


def test_what_falls_due_while_redis_is_away_is_started_when_it_is_back(settings: Settings, store_redis: Redis) -> None:
    nobody = connect("redis://127.0.0.1:1/0")
    for away in ({"store": nobody, "queue_redis": store_redis}, {"store": store_redis, "queue_redis": nobody}):
        schedule = Schedule(settings, now=at(2), **away)
        assert schedule.tick(at(3)) is None
        assert Runs(store_redis, KEYS).latest() is None
        back = Schedule(settings, store_redis, store_redis, at(2))
        assert back.tick(at(9))
        store_redis.flushall()


def test_the_trainer_looks_at_the_clock_while_it_trains_and_while_redis_is_away(redis_server: str, store_redis: Redis) -> None:
    settings, looks = Settings(redis_url="redis://127.0.0.1:1/0", job_retries=0), []
    queue = train_queue(store_redis, Settings(redis_url=redis_server))
    worker = LeasedWorker(queue, settings, worker_name("a"), lambda *_: None, on_beat=lambda: looks.append("idle or not"))
    worker.register_birth()  # type: ignore[no-untyped-call]
    job = enqueue_run(queue, settings, "r1", {})
    execution = worker.prepare_execution(job)
    worker.maintain_heartbeats(job, execution)
    assert looks == ["idle or not"]
    worker.connection = connect("redis://127.0.0.1:1/0")
    worker.maintain_heartbeats(job, execution)
    assert looks == ["idle or not"] * 2


@pytest.mark.parametrize(
    ("before", "due"),
    [
        ("2026-03-28T04:00", ["2026-03-29T03:30", "2026-03-30T02:30"]),  # 02:30 is skipped on the 29th
        ("2026-10-24T04:00", ["2026-10-25T02:30", "2026-10-26T02:30"]),  # 02:30 comes twice on the 25th
    ],
)
def test_a_change_of_the_clock_costs_no_run_and_gives_no_second_one(before: str, due: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TZ", "Europe/Berlin")
    time.tzset()
    try:
        found, after = [], datetime.fromisoformat(before).astimezone()
        for _ in due:
            after = next_run(Settings(cron="30 2 * * *"), after) or pytest.fail("nothing is due")
            found.append(f"{after:%Y-%m-%dT%H:%M}")
        assert found == due
    finally:
        monkeypatch.undo()
        time.tzset()


def test_a_clock_that_was_ahead_and_is_put_right_costs_no_run_and_gives_no_second_one(settings: Settings, store_redis: Redis) -> None:
    schedule, year, day = Schedule(settings, store_redis, store_redis, at(2)), timedelta(days=365), timedelta(days=1)
    assert schedule.tick(at(2) + year), "what was due at 3 of today"
    train_queue(store_redis, settings).empty()  # type: ignore[no-untyped-call]
    assert schedule.tick(at(2, 5)) is None
    assert schedule.tick(at(3)) is None, "it was started"
    assert store_redis.get(KEYS.due) == b"%d" % (1000 * (at(3) + day).timestamp())
    assert schedule.tick(at(3) + day)


def test_of_several_trainers_one_starts_the_run_of_a_minute(settings: Settings, store_redis: Redis) -> None:
    assert start_scheduled(settings, store_redis, store_redis, "202611240300")
    train_queue(store_redis, settings).empty()  # type: ignore[no-untyped-call]
    assert start_scheduled(settings, store_redis, store_redis, "202611240300") is None
    assert start_scheduled(settings, store_redis, store_redis, "202611250300")


@pytest.mark.parametrize("going", ["queued", "training", "scoring"])
def test_a_run_that_is_still_going_is_not_started_twice(settings: Settings, store_redis: Redis, going: str) -> None:
    if going == "queued":
        assert start_scheduled(settings, store_redis, store_redis, "202611240300")
    if going == "scoring":
        Generations(store_redis, KEYS).begin(make_manifest("g1"))
    n_waiting = train_queue(store_redis, settings).count
    if going == "training":
        with right_to_train(store_redis, KEYS, "by hand", 60, pytest.fail):
            assert start_scheduled(settings, store_redis, store_redis, "202611250300") is None
    else:
        assert start_scheduled(settings, store_redis, store_redis, "202611250300") is None
    assert train_queue(store_redis, settings).count == n_waiting


def test_the_next_run_is_shown_in_local_time(settings: Settings) -> None:
    due = next_run(settings)
    assert due is not None
    assert (due.hour, due.minute) == (3, 0)
    assert due.astimezone(UTC) > datetime.now(UTC)
    assert next_run(Settings()) is None


@pytest.mark.parametrize("wrong", ["3am", "* * *", "61 * * * *", "* * * * * *", "@daily", "0 0 31 2 *"])
def test_a_schedule_that_is_none_is_refused_with_what_is_expected(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"LARDER_CRON=.*five cron fields"):
        Settings.from_environ({"LARDER_CRON": wrong})
