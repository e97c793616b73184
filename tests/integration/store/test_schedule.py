"""Runs at set times: one for each, and none while one is still going."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from redis import Redis
from rq.cron import CronScheduler
from rq.job import Job
from rq.serializers import JSONSerializer

from contract.errors import SettingsError
from contract.formats.keys import Keys
from contract.queue.jobs import run_job_id, train_queue
from contract.settings.settings import Settings
from contract.store.generations import Generations
from contract.store.runs import Runs
from contract.store.training_right import right_to_train
from tests.support.builders import make_manifest
from trainer.service.schedule import ScheduledRun, next_run, start_scheduled

KEYS = Keys("larder")


@pytest.fixture
def settings(redis_server: str) -> Settings:
    return Settings(redis_url=redis_server, cron="0 3 * * *")


def test_what_falls_due_is_enqueued_as_a_run_that_the_service_reads(settings: Settings, store_redis: Redis) -> None:
    scheduler, scheduled = CronScheduler(store_redis), ScheduledRun(settings)
    scheduler.get_jobs().append(scheduled)
    assert scheduler.enqueue_jobs() == []
    scheduled.next_enqueue_time = datetime.now(UTC) - timedelta(seconds=1)
    assert scheduler.enqueue_jobs() == [scheduled]
    assert scheduler.enqueue_jobs() == []
    run = Runs(store_redis, KEYS).latest()
    assert run is not None
    job = Job.fetch(run_job_id(run.run), connection=store_redis, serializer=JSONSerializer)
    assert (job.func_name, job.args, job.origin) == ("trainer.jobs.run", [run.run, {}, "", False], "larder-train")


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


@pytest.mark.parametrize("wrong", ["3am", "* * *", "61 * * * *", "* * * * * *", "@daily"])
def test_a_schedule_that_is_none_is_refused_with_what_is_expected(wrong: str) -> None:
    with pytest.raises(SettingsError, match=r"LARDER_CRON=.*five cron fields"):
        Settings.from_environ({"LARDER_CRON": wrong})
