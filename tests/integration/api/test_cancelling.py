"""A run that is not wanted any more: cancelled while it is queued, trains, or is being scored, by each way there is."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
from redis import Redis
from rq.job import JobStatus

from contract.queue.jobs import run_job_id, score_queue, train_queue
from tests.support.builders import promote_lists
from tests.support.servers.api_process import ApiProcess, check_problem
from tests.support.servers.services import Services, await_that

ADMIN = "admin-" + "a" * 16
LONG = "synthetic:60000x6000x6000000"  # a minute and more of training
SHORT = "synthetic:200x50x2000"
WAYS = ["API", pytest.param("command", marks=pytest.mark.long)]


@pytest.fixture
def api(redis_server: str, store_redis: Redis) -> Iterator[ApiProcess]:
    assert store_redis.dbsize() == 0
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_MAX_QUEUED_RUNS="2") as running:
        yield running


def queued(stack: Services, *options: str) -> str:
    started = stack.run("run", *options)
    assert started.returncode == 0, started.stderr
    latest = stack.runs.latest()
    assert latest
    return latest.run


def cancel(stack: Services, api: ApiProcess, run: str, how: str) -> None:
    if how == "command":
        ended = stack.run("cancel", run)
        assert ended.returncode == 0, ended.stderr
    else:
        answer = api.send_admin("POST", f"/runs/{run}/cancel", ADMIN)
        assert (answer.status_code, answer.json()["state"]) == (200, "cancelled"), answer.text


@pytest.mark.long
@pytest.mark.parametrize("how", WAYS)
def test_a_queued_run_never_trains(services: Callable[..., Services], api: ApiProcess, store_redis: Redis, how: str) -> None:
    stack = services()
    run = queued(stack, "--interactions", SHORT)
    cancel(stack, api, run, how)
    assert train_queue(store_redis, stack.settings).count == 0
    cancel(stack, api, run, how)  # again: the same
    after = queued(stack, "--interactions", SHORT)
    stack.start("trainer", "serve")
    stack.start("worker")
    stack.await_state(after, "current")
    status = stack.runs.get(run)
    assert status
    assert (status.state, stack.generations.state(run)) == ("cancelled", "")
    assert status.message.startswith("by ")


@pytest.mark.long
@pytest.mark.parametrize("how", ["command", "API"])
def test_a_run_that_trains_ends_and_the_next_one_begins(
    services: Callable[..., Services], api: ApiProcess, store_redis: Redis, how: str
) -> None:
    stack = services(evaluate="false", job_retries=3, lease_s=1)
    run = queued(stack, "--interactions", LONG)
    stack.start("trainer", "serve")
    await_that(lambda: (seen := stack.runs.get(run)) and seen.state == "running" and seen.stage != "load", "the run trains")
    cancel(stack, api, run, how)
    job = train_queue(store_redis, stack.settings).fetch_job(run_job_id(run))
    assert job
    await_that(lambda: job.get_status() in (JobStatus.STOPPED, JobStatus.FAILED), "the job has ended")
    after = queued(stack, "--interactions", SHORT)
    stack.await_state(after, "scoring", "complete", "current")
    assert (stack.runs.get(run) or pytest.fail("it is forgotten")).state == "cancelled"
    assert stack.generations.state(run) in ("", "failed")
    watched = stack.run("cancel", run)
    assert watched.returncode == 0, "to cancel twice does no harm"


@pytest.mark.parametrize("how", WAYS)
@pytest.mark.long
def test_what_is_being_scored_is_given_up_and_never_promoted(services: Callable[..., Services], api: ApiProcess, how: str) -> None:
    stack = services()
    run = queued(stack, "--interactions", SHORT)
    stack.start("trainer", "serve")
    stack.await_state(run, "scoring")
    cancel(stack, api, run, how)
    progress = stack.generations.progress(run)
    assert progress
    assert (progress.state, progress.reason.startswith("cancelled by ")) == ("failed", True)
    stack.start("worker")
    await_that(lambda: score_queue(stack.redis, stack.settings).count == 0, "workers have looked at the shards")
    assert stack.generations.current() is None
    assert list(stack.redis.scan_iter(f"larder:recs:{run}:*")) == []
    assert api.get(f"/runs/{run}").json()["state"] == "cancelled"
    assert "cancelled" in api.get("/").text
    assert 'larder_runs{state="cancelled"} 1.0' in api.get("/metrics").text


@pytest.mark.long
def test_a_run_in_a_process_of_its_own_ends_too(services: Callable[..., Services]) -> None:
    stack = services()
    process = stack.start("trainer", "run", "--here", "--interactions", LONG)
    latest = await_that(lambda: ((seen := stack.runs.latest()) and seen.state == "running" and seen) or None, "the run trains")
    assert stack.run("cancel").returncode == 0
    assert process.wait(100) == 5, stack.logs()
    assert "was cancelled by" in stack.logs()
    assert stack.generations.state(latest.run) in ("", "failed")


def test_what_is_over_or_unknown_is_not_cancelled(services: Callable[..., Services], api: ApiProcess) -> None:
    stack = services()
    promote_lists(stack.redis, stack.keys, {54: [(300, 2.5)]}, generation="g1")
    stack.runs.queued("g1")
    stack.runs.set("g1", "dispatched", "dispatch", 1, 1)
    check_problem(api.send_admin("POST", "/runs/g1/cancel", ADMIN), 409, "Not possible now")
    check_problem(api.send_admin("POST", "/runs/g2/cancel", ADMIN), 404, "Run not found")
    check_problem(api.send_admin("POST", "/runs/g1/cancel", "wrong"), 401, "Unauthorized")
    assert "nothing to cancel" in stack.run("cancel").stderr
    assert "is over, it is current" in stack.run("cancel", "g1").stderr
    assert (stack.runs.get("g1") or pytest.fail("it is gone")).state == "dispatched"


def test_runs_do_not_queue_without_end(api: ApiProcess, store_redis: Redis, services: Callable[..., Services]) -> None:
    stack = services()
    runs = [api.send_admin("POST", "/runs", ADMIN).json()["run"] for _ in range(2)]
    for _ in range(2):
        refused = api.send_admin("POST", "/runs", ADMIN)
        check_problem(refused, 409, "Not possible now")
        assert "LARDER_MAX_QUEUED_RUNS" in refused.json()["detail"]
    assert train_queue(store_redis, stack.settings).count == len(stack.runs.newest()) == 2
    several = stack.run("cancel")
    assert (several.returncode, all(run in several.stderr for run in runs)) == (5, True)
    page = api.send_admin("POST", "/change/cancel", ADMIN)
    assert page.status_code == 409  # a form without what the page showed
    assert api.send_admin("POST", f"/runs/{runs[0]}/cancel", ADMIN).status_code == 200
    assert api.send_admin("POST", "/runs", ADMIN).status_code == 202
