"""Who may do what: each test holds a line of SECURITY.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest
import requests
from redis import Redis

from contract.jobs import enqueue_run, train_queue
from contract.runs import RunStatus
from tests.integration.api_process import ApiProcess, check_problem
from tests.integration.services import Services, await_that

ADMIN, READER = "admin-" + "a" * 16, "reader-" + "r" * 16
SECRET = "s" * 24


@pytest.fixture
def api(redis_server: str, store_redis: Redis) -> Iterator[ApiProcess]:
    assert store_redis.dbsize() == 0
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_ERASURE_SECRET=SECRET) as running:
        yield running


@pytest.mark.parametrize(
    "options",
    [{"interactions": "/proc/self/environ"}, {"items": "/etc/passwd"}, {"interactions": "-"}, {"interactions": "http://127.0.0.1:1/x.csv"},
     {"interactions": "postgresql://u@127.0.0.1:1/db", "sql_table": "t"}, {"item_column": "password"}],
)  # fmt: skip
def test_an_admin_key_does_not_choose_what_a_run_reads(api: ApiProcess, store_redis: Redis, options: dict[str, str]) -> None:
    check_problem(api.send_admin("POST", "/runs", ADMIN, {"options": options}), 403, "Forbidden")
    assert store_redis.keys("rq:job:*") == []


def test_a_writer_of_the_queue_reads_no_file_and_what_failed_is_told_to_admins(
    api: ApiProcess, store_redis: Redis, services: Callable[..., Services]
) -> None:
    stack = services(erasure_secret=SECRET, job_retries=3)
    stack.runs.queued("20260101-000000-aaaa")
    enqueue_run(train_queue(store_redis, stack.settings), stack.settings, "20260101-000000-aaaa", {"interactions": "/proc/self/environ"})
    stack.start("trainer", "serve")

    def given_up() -> RunStatus | None:
        status = stack.runs.get("20260101-000000-aaaa")
        return status if status and status.state == "failed" else None

    failed = await_that(given_up, "the run fails")
    assert "LARDER_RUN_SOURCES" in failed.message
    path = "/runs/20260101-000000-aaaa"
    assert api.get(path).json()["message"] == "SettingsError"
    told = requests.get(api.url + path, headers={"X-API-Key": ADMIN}, timeout=15).json()
    assert told["message"] == failed.message
    for page in ("/", "/live"):
        assert "RUN_SOURCES" not in api.get(page).text
        assert "SettingsError" in api.get(page).text
    # A command that can read the trainer's folder chooses any source; what it fails on is not read aloud all the same.
    asked = stack.run("run", "--wait", "--interactions", "/proc/self/environ")
    assert asked.returncode != 0
    assert "has a known name" in asked.stderr
    assert SECRET not in asked.stdout + asked.stderr + stack.logs()
    assert "LARDER_REDIS_URL=" not in asked.stdout + asked.stderr + stack.logs()
    refused = stack.run("run", "--wait", "--interactions", "-")
    assert (refused.returncode, "standard input" in refused.stderr) == (2, True)
