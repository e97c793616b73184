"""Who may do what: each test holds a line of SECURITY.md."""

from __future__ import annotations

import re
import socket
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from redis import Redis
from rq import Callback, Queue, Retry
from rq.job import JobStatus
from rq.serializers import JSONSerializer

from contract.formats.keys import Keys
from contract.queue.jobs import enqueue_run, score_queue, train_queue
from contract.settings.settings import Settings
from contract.store.runs import Runs, RunStatus
from tests.support.builders import promote_lists
from tests.support.paths import ROOT
from tests.support.servers.api_process import ApiProcess, check_problem
from tests.support.servers.services import Services, await_that

ADMIN, READER = "admin-" + "a" * 16, "reader-" + "r" * 16
SECRET = "s" * 24


@pytest.fixture(scope="module")
def api(redis_server: str) -> Iterator[ApiProcess]:
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_ERASURE_SECRET=SECRET, LARDER_POINTER_TTL_MS="0") as running:
        yield running


@pytest.mark.parametrize(
    "options",
    [{"interactions": "/proc/self/environ"}, {"items": "/etc/passwd"}, {"interactions": "-"}, {"interactions": "http://127.0.0.1:1/x.csv"},
     {"interactions": "postgresql://u@127.0.0.1:1/db", "sql_table": "t"}, {"item_column": "password"}],
)  # fmt: skip
def test_an_admin_key_does_not_choose_what_a_run_reads(api: ApiProcess, store_redis: Redis, options: dict[str, str]) -> None:
    check_problem(api.send_admin("POST", "/runs", ADMIN, {"options": options}), 403, "Forbidden")
    assert store_redis.keys("rq:job:*") == []


@pytest.mark.long
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
    assert "its first line holds" in asked.stderr
    assert SECRET not in asked.stdout + asked.stderr + stack.logs()
    assert "LARDER_REDIS_URL=" not in asked.stdout + asked.stderr + stack.logs()
    refused = stack.run("run", "--wait", "--interactions", "-")
    assert (refused.returncode, "standard input" in refused.stderr) == (2, True)


BODIES = [
    ("POST", "/runs", b'{"review":true}'),
    ("POST", "/runs", b""),
    ("POST", "/generations/g1/promote", b'{"force":fal'),
    ("POST", "/generations/rollback", b""),
    ("POST", "/recommendations", b'{"user_id": 54}'),
    ("POST", "/recommendations/batch", b'{"user_ids": [54]}'),
]


@pytest.mark.parametrize(("method", "path", "body"), BODIES)
def test_a_request_whose_body_did_not_come_whole_does_nothing(
    api: ApiProcess, store_redis: Redis, method: str, path: str, body: bytes
) -> None:
    for name in ("g1", "g2"):
        promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation=name)
    head = f"{method} {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {ADMIN}\r\nContent-Type: application/json\r\nConnection: close\r\n"
    status, _, told = api.send(f"{head}Content-Length: {len(body) + 1}\r\n\r\n".encode() + body)
    assert (status, told["detail"]) == (400, "The body could not be read to its end.")
    assert store_redis.keys("rq:job:*") == []
    assert api.get("/generations/current").json()["generation"] == "g2"


def test_a_form_that_did_not_come_whole_does_nothing(api: ApiProcess, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    form = b"served=g1&target="
    head = f"POST /change/retrain HTTP/1.1\r\nHost: a\r\nX-API-Key: {ADMIN}\r\nConnection: close\r\n"
    head += f"Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {len(form) + 9}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", api.port), 15) as connection:
        connection.sendall(head.encode() + form)
        connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as stream:
            assert stream.readline().split()[1] == b"400"
    assert store_redis.keys("rq:job:*") == []


@pytest.mark.parametrize("name", ["g1:shards", "g1:erased", "g1%0a", "..%2e", "x" * 65])
def test_nobody_names_a_key(api: ApiProcess, store_redis: Redis, name: str) -> None:
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    store_redis.sadd(Keys().erased_of("g1"), "hmac")
    assert api.get(f"/cards/{name}").status_code == 404
    check_problem(api.get(f"/runs/{name}"), 404, "Run not found")
    check_problem(api.send_admin("POST", f"/generations/{name}/promote", ADMIN), 404, "Generation not found")
    assert [line for line in api.log_lines() if line.get("level") == "ERROR"] == []


@pytest.mark.parametrize("command", [("promote", "g1:erased"), ("verify", "g1:erased"), ("diff", "g1:erased", "g1")])
def test_nor_does_a_command(services: Callable[..., Services], command: tuple[str, ...]) -> None:
    refused = services().run(*command)
    assert (refused.returncode, "is no id of a generation" in refused.stderr) == (2, True)


@pytest.mark.long
def test_a_writer_of_the_queue_runs_no_code(services: Callable[..., Services], store_redis: Redis, tmp_path: Path) -> None:
    stack, traces = services(job_retries=3), [tmp_path / f"pwned-{number}" for number in range(4)]
    queues = train_queue(store_redis, stack.settings), score_queue(store_redis, stack.settings)
    forged = []
    for number, queue in enumerate(queues):
        plain = Queue(queue.name, connection=store_redis, serializer=JSONSerializer)
        forged.append(plain.enqueue_call("os.system", args=(f"touch {traces[number]}",), retry=Retry(max=3)))
        behind = Callback("tests.integration.pwned.touch")
        forged.append(plain.enqueue_call("trainer.jobs.diff", args=("g1:erased",), on_failure=behind, on_success=behind, on_stopped=behind))
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    stack.start("trainer", "serve")
    stack.start("worker")
    await_that(lambda: all(job.get_status() == JobStatus.FAILED for job in forged), "the forged jobs fail")
    assert [trace for trace in traces if trace.exists()] == []
    logs = stack.logs()
    assert logs.count("'os.system' is not a job of Larder") >= 2
    assert "the arguments of trainer.jobs.diff are not what Larder enqueues" in logs
    assert "tests.integration.pwned" not in logs


def documented_acl() -> list[str]:
    found = re.search(r"`ACL SETUSER api on >PASSWORD ([^`]+)`", (ROOT / "docs" / "api.md").read_text())
    assert found
    return found[1].split()


def test_the_documented_user_of_redis_reads_everything_and_writes_nothing(redis_server: str, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    enqueue_run(train_queue(store_redis, Settings()), Settings(), "r1", {})
    Runs(store_redis, Keys()).queued("r1")
    store_redis.execute_command("ACL", "SETUSER", "api", "reset", "on", ">pass", *documented_acl())  # type: ignore[no-untyped-call]
    try:
        url = redis_server.replace("unix://", "unix://api:pass@")
        with ApiProcess(url, LARDER_API_ADMIN_KEYS=ADMIN) as api:
            assert api.ask(54).status_code == 200
            for path in (
                "/generations",
                "/generations/current",
                "/runs/r1",
                "/popular",
                "/health/ready",
                "/metrics",
                "/cards/g1",
                "/explore",
            ):
                assert api.get(path).status_code == 200, path
            for page in ("/", "/live"):
                assert "Redis does not answer" not in api.get(page).text
                assert "can&#39;t be read" not in api.get(page).text
            assert 'larder_jobs{queue="train",state="queued"} 1.0' in api.get("/metrics").text
            assert [line for line in api.log_lines() if line.get("level") == "ERROR"] == []
            check_problem(api.send_admin("POST", "/runs", ADMIN), 503, "Store unavailable")
    finally:
        store_redis.execute_command("ACL", "DELUSER", "api")  # type: ignore[no-untyped-call]
    assert store_redis.keys("rq:job:*") == [b"rq:job:run-r1"]


@pytest.mark.parametrize(("said", "status"), [(None, 409), (b"0", 409), (b"1", 202)])
def test_the_api_needs_no_secret_of_erasures(redis_server: str, store_redis: Redis, said: bytes | None, status: int) -> None:
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    if said:
        store_redis.hset(Keys().erasure, "possible", said)
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN) as api:
        answer = api.send_admin("DELETE", "/users/54", ADMIN)
    assert answer.status_code == status
    if status == 202:
        assert answer.json()["user_id"] == 54


CHANGES = [
    ("POST", "/runs"),
    ("POST", "/runs/r1/cancel"),
    ("POST", "/generations/g1/promote"),
    ("POST", "/generations/rollback"),
    ("POST", "/generations/release"),
    ("DELETE", "/users/54"),
    ("DELETE", "/users?user_id=54"),
]


def test_without_a_key_nothing_changes(api: ApiProcess, store_redis: Redis) -> None:
    for method, path in CHANGES:
        check_problem(requests.request(method, api.url + path, timeout=15), 401, "Unauthorized")
    assert store_redis.keys("rq:*") == []


def test_a_read_key_reads_and_changes_nothing(redis_server: str, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), {54: [(300, 2.5)]}, generation="g1")
    with ApiProcess(redis_server, LARDER_API_ADMIN_KEYS=ADMIN, LARDER_API_READ_KEYS=READER) as api:
        for path in ("/users/54/recommendations", "/generations", "/metrics"):
            check_problem(api.get(path), 401, "Unauthorized")
            assert api.send_admin("GET", path, READER).status_code == 200
        assert api.get("/health/ready").status_code == api.get("/docs").status_code == 200
        for method, path in CHANGES:
            check_problem(api.send_admin(method, path, READER), 403, "Forbidden")
    assert store_redis.keys("rq:*") == []


def test_each_line_names_tests_that_there_are() -> None:
    text = (ROOT / "SECURITY.md").read_text()
    rows = [line for line in text.splitlines() if line.startswith("| ")][1:]
    assert len(rows) == 12
    known = set(re.findall(r"^def (test_\w+)", "\n".join(path.read_text() for path in (ROOT / "tests").rglob("test_*.py")), re.MULTILINE))
    for row in rows:
        named = re.findall(r"`(test_\w+)`", row)
        assert named, row
        assert set(named) <= known
    for link in re.findall(r"\]\((tests/[^)]+)\)", text):
        assert (ROOT / link).is_file(), link
