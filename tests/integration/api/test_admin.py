"""What an admin key opens, on a real Redis and real queues; and metrics over several gunicorn workers."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from redis import Redis

from contract.formats.keys import Keys
from contract.queue.jobs import run_job_id, train_queue
from contract.settings.settings import Settings
from contract.store.runs import Runs
from tests.support.builders import Lists, promote_lists
from tests.support.servers.api_process import ApiProcess, check_problem, until

ADMIN = "admin-" + "a" * 16
LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673)], 88: [(272, 3.164058)]}


@pytest.fixture
def api(redis_server: str, store_redis: Redis) -> Iterator[ApiProcess]:
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_ERASURE_SECRET="s" * 16) as running:
        yield running


def test_generations_are_listed_and_switched(api: ApiProcess, store_redis: Redis) -> None:
    for name in ("g1", "g2"):
        promote_lists(store_redis, Keys(), LISTS, generation=name)
    listed = api.get("/generations").json()
    assert [(one["generation"], one["state"], one["n_users"]) for one in listed["generations"]] == [
        ("g2", "current", 2),
        ("g1", "previous", 2),
    ]
    assert listed["held_by"] is None
    assert api.send_admin("POST", "/generations/rollback", ADMIN).json() == {"generation": "g1"}
    assert api.get("/generations/current").json()["generation"] == "g1"
    assert api.get("/generations").json()["held_by"].startswith("API, request ")
    assert api.send_admin("POST", "/generations/release", ADMIN).json() == {"released": True}
    assert api.send_admin("POST", "/generations/release", ADMIN).json() == {"released": False}
    assert api.send_admin("POST", "/generations/g2/promote", ADMIN).json() == {"generation": "g2"}
    check_problem(api.send_admin("POST", "/generations/g9/promote", ADMIN), 404, "Generation not found")
    changes = api.send_admin("GET", "/audit", ADMIN).json()["changes"]
    assert [(change["what"], change["after"].partition(",")[0]) for change in changes] == [
        ("promote", "g2 is served"),
        ("release", "g1 is served"),
        ("rollback", "g1 is served"),
    ]
    assert all(change["by"].startswith("API, request ") for change in changes)
    assert changes[-1]["before"] == "g2 is served"
    check_problem(api.get("/audit"), 401, "Unauthorized")
    check_problem(api.send_admin("GET", "/audit?limit=0", ADMIN), 400, "Invalid request data")


def test_there_may_be_nothing_to_go_back_to(api: ApiProcess, store_redis: Redis) -> None:
    check_problem(api.send_admin("POST", "/generations/rollback", ADMIN), 409, "Not possible now")
    promote_lists(store_redis, Keys(), LISTS)
    check_problem(api.send_admin("POST", "/generations/rollback", ADMIN), 409, "Not possible now")


def test_a_run_is_enqueued_and_followed(api: ApiProcess, store_redis: Redis) -> None:
    asked = api.send_admin("POST", "/runs", ADMIN, {"options": {"k": 5, "similarity": "cosine"}, "review": True})
    assert asked.status_code == 202
    run = asked.json()["run"]
    assert asked.headers["Location"] == f"/runs/{run}" == asked.json()["status_url"]
    job = train_queue(store_redis, Settings()).fetch_job(run_job_id(run))
    assert job is not None
    assert job.args[:2] == [run, {"k": 5, "similarity": "cosine"}]
    (change,) = api.send_admin("GET", "/audit", ADMIN).json()["changes"]
    assert (change["what"], change["run"]) == ("run", run)
    assert change["after"] == f"run {run} is queued, with its own k, similarity, review"
    state = api.get(f"/runs/{run}").json()
    assert (state["run"], state["state"], state["generation"]) == (run, "queued", None)
    check_problem(api.get("/runs/none"), 404, "Run not found")
    check_problem(api.send_admin("POST", "/runs", ADMIN, {"options": {"kk": 5}}), 400, "Invalid request data")
    check_problem(api.send_admin("POST", "/runs", ADMIN, {"options": {"k": 5, "depth": 4}}), 409, "Not possible now")


def test_a_run_of_another_model_needs_no_word_on_normalisation(api: ApiProcess, store_redis: Redis) -> None:
    """What the API has by default is no wish of anybody's."""
    assert api.send_admin("POST", "/runs", ADMIN, {"options": {"model": "ease", "prior_gain": 0.1}}).status_code == 202
    refused = api.send_admin("POST", "/runs", ADMIN, {"options": {"model": "ease", "normalize": True}})
    check_problem(refused, 409, "Not possible now")
    assert "say --no-normalize" in refused.json()["detail"]


@pytest.mark.parametrize("path", ["/users/a%20b", "/users?user_id=a%20b"])
def test_an_erasure_is_enqueued(api: ApiProcess, store_redis: Redis, path: str) -> None:
    asked = api.send_admin("DELETE", path, ADMIN)
    assert (asked.status_code, asked.json()["user_id"]) == (202, "a b")
    job = train_queue(store_redis, Settings()).fetch_job(asked.json()["job"])
    assert job is not None
    assert job.args == ["a b"]
    log = api.send_admin("GET", "/audit", ADMIN)
    assert [change["what"] for change in log.json()["changes"]] == ["erase"]
    assert "a b" not in log.text


def test_metrics_add_up_over_all_workers_and_show_the_queues(api: ApiProcess, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), LISTS)
    api.send_admin("POST", "/runs", ADMIN)
    for _ in range(40):
        assert api.ask(54).status_code == 200
    text = api.get("/metrics").text
    assert re.search(r'larder_request_seconds_count\{method="POST",route="/recommendations",status="200"\} 40\.0', text), text
    assert 'larder_jobs{queue="train",state="queued"} 1.0' in text
    assert 'larder_generation_info{generation="g1"} 1.0' in text
    assert 'larder_generations{state="current"} 1.0' in text
    assert 'larder_runs{state="queued"} 1.0' in text
    assert "larder_shards_recorded 1.0" in text


def test_a_trainer_that_is_being_stopped_does_not_hide_from_metrics_that_its_run_was_cancelled(api: ApiProcess, store_redis: Redis) -> None:
    runs = Runs(store_redis, Keys())
    runs.queued("r1")
    runs.cancel("r1", "a test")
    store_redis.hset(Keys().run("r1"), "state", "dispatched")  # killed before it looked at the mark
    assert runs.newest()[0].state == "cancelled"
    assert 'larder_runs{state="cancelled"} 1.0' in api.get("/metrics").text


def test_keys_and_ids_of_requests_in_the_log(api: ApiProcess, store_redis: Redis) -> None:
    api.send_admin("POST", "/generations/rollback", ADMIN, request_id="of-a-test")
    lines = until("it is logged", lambda: [line for line in api.log_lines() if line.get("request_id") == "of-a-test"])
    assert lines[0]["status"] == 409
    assert ADMIN not in api.log()
