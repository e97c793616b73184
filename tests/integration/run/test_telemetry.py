"""Traces of requests and of a run with all that follows it, through a real agent; logs, and their level while it is asked for."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Iterator
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest
import requests
from redis import Redis

from contract.formats.keys import Keys
from contract.queue.jobs import run_job_id, train_queue
from contract.settings.settings import ModelSettings, Settings
from contract.telemetry import level
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.servers.api_process import ApiProcess
from tests.support.servers.otlp_server import OtlpServer, Span, agent
from tests.support.servers.services import Services, await_that

TRACE, CALLER = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
LISTS: Lists = {user: [(user + item, 5.0 - item) for item in range(1, 5)] for user in range(1, 9)}


def test_requests_that_somebody_traces_are_traced_on_both_lanes(redis_server: str, store_redis: Redis) -> None:
    """By the fast lane, by Flask, and a run that is asked for, which hangs on who asked; no other request, with a ratio of 0."""
    manifest, key = manifest_of(LISTS, "g1", settings=ModelSettings(k=3, depth=4)), "k" * 16
    write_lists(store_redis, Keys(), manifest, LISTS)
    store_redis.set(Keys().current, manifest.pointer().model_dump_json())
    traced, not_traced = {"traceparent": f"00-{TRACE}-{CALLER}-01"}, {"traceparent": f"00-{TRACE}-{CALLER}-00"}
    with OtlpServer() as collector:
        settings = {"LARDER_OTLP_ENDPOINT": collector.url, "LARDER_TRACE_RATIO": "0", "LARDER_API_ADMIN_KEYS": key}
        with ApiProcess(redis_server, **settings) as api:
            for headers in (traced, not_traced, {}):
                headers = {**headers, "X-API-Key": key, "X-Request-ID": f"with {len(headers)}"}
                assert requests.post(f"{api.url}/recommendations", json={"user_id": 1}, headers=headers, timeout=15).ok
                assert requests.get(f"{api.url}/users/1/similar-items-of-none", headers=headers, timeout=15).status_code == 404
            run = requests.post(f"{api.url}/runs", json={}, headers={**traced, "X-API-Key": key}, timeout=15).json()["run"]
            lines = [line for line in api.log_lines() if "trace_id" in line]
    job = train_queue(store_redis, Settings()).fetch_job(run_job_id(run))
    assert job is not None
    assert job.meta == {"trace": {"traceparent": traced["traceparent"]}}
    assert [(span.service, span.trace, span.parent) for span in collector.spans] == 3 * [("larder-api", TRACE, CALLER)]
    assert sorted((span.name, span.attributes["http.response.status_code"]) for span in collector.spans) == [
        ("GET", 404),
        ("POST /recommendations", 200),
        ("POST /runs", 202),
    ]
    assert {line["trace_id"] for line in lines} == {TRACE}
    assert len(lines) == 3


@pytest.mark.long
@pytest.mark.skipif(find_spec("rotel") is None, reason="rotel, the agent, has no wheel for this machine")
def test_a_run_and_all_that_follows_is_one_trace(services: Callable[..., Services], tmp_path: Path) -> None:
    """Two shards or more; a collector between, as people have one; JSON logs that lead to the trace; another level without a restart."""
    with OtlpServer() as collector, agent(collector, tmp_path) as address:
        stack = services(
            interactions="synthetic:300x60x3000", shard_target_s=0.001, otlp_endpoint=address, log_format="json", log_level="WARNING"
        )
        level.ask(stack.redis, stack.keys, "INFO", 600)
        stack.start("worker")
        stack.start("trainer", "serve")
        run = await_that(lambda: stack.runs.latest(), stack.logs).run
        stack.await_state(run, "current")
        await_that(lambda: _one(collector.spans, "promote") and _one(collector.spans, "run"), lambda: f"{collector.spans}\n{stack.logs()}")
        n_shards = stack.generations.manifest(run).n_shards
        await_that(lambda: len(_all(collector.spans, "score_shard")) == n_shards, lambda: str(collector.spans))
        logs = stack.logs()
    spans = [span for span in collector.spans if span.name not in ("diff", "compare")]
    by_id = {span.id: span for span in spans}
    root = _one(spans, "run")
    assert root is not None
    assert {span.trace for span in spans} == {root.trace}
    assert root.service == "larder-trainer"
    assert root.attributes["larder.run"] == run
    assert n_shards > 1

    def parent(span: Span) -> str:
        return by_id[span.parent].name

    for stage in ("load", "fit", "write", "dispatch"):
        found = _one(spans, stage)
        assert found is not None, stage
        assert parent(found) == "run"
    for shard in _all(spans, "score_shard"):
        assert (shard.service, parent(shard)) == ("larder-worker", "dispatch"), "which enqueued it"
    assert {parent(span) for name in ("score", "publish") for span in _all(spans, name)} == {"score_shard"}
    promotion = _one([span for span in spans if span.attributes.get("larder.outcome") == "promoted"], "promote")
    assert promotion is not None
    assert parent(promotion) == "publish"
    lines = [json.loads(line) for line in logs.splitlines() if line.startswith("{")]
    said = [line for line in lines if line["message"].startswith(f"run {run}:")]
    assert said, "a line of INFO, though the settings say WARNING"
    assert said[0].items() >= {"run": run, "job": f"run-{run}", "trace_id": root.trace, "level": "INFO"}.items()


@pytest.fixture
def rq_logger() -> Iterator[logging.Logger]:
    logger = logging.getLogger("rq.worker")
    before = logger.level
    logger.setLevel("WARNING")
    yield logger
    logger.setLevel(before)


def test_everybody_follows_until_it_ends(store_redis: Redis, rq_logger: logging.Logger) -> None:
    settings = Settings(log_level="ERROR")
    level.ask(store_redis, Keys("larder"), "DEBUG", 600)
    level.follow(store_redis, Keys("larder"), settings)
    assert rq_logger.level == logging.DEBUG
    found = level.asked(store_redis, Keys("larder"))
    assert found is not None
    assert found[0] == "DEBUG"
    assert 0 < found[1] <= 600
    level.end(store_redis, Keys("larder"))
    level.follow(store_redis, Keys("larder"), settings)
    assert rq_logger.level == logging.ERROR
    assert level.asked(store_redis, Keys("larder")) is None


def test_what_stands_there_and_is_no_level_is_nothing(store_redis: Redis, rq_logger: logging.Logger) -> None:
    store_redis.set(Keys("larder").log_level, "LOUD")
    level.follow(store_redis, Keys("larder"), Settings(log_level="INFO"))
    assert rq_logger.level == logging.INFO


@pytest.mark.long
def test_a_redis_that_is_away_changes_nothing(rq_logger: logging.Logger) -> None:
    level.follow(Redis(port=1), Keys("larder"), Settings(log_level="INFO"))
    assert rq_logger.level == logging.WARNING


def _all(spans: list[Span], name: str) -> list[Span]:
    return [span for span in spans if span.name == name]


def _one(spans: list[Span], name: str) -> Any:
    return next(iter(_all(spans, name)), None)
