"""The API on real gunicorn workers and a real Redis, through what goes wrong in production."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from redis import Redis

from contract.formats.keys import Keys
from tests.support.builders import Lists, Metadata, promote_lists
from tests.support.paths import ROOT
from tests.support.servers.api_process import COMMAND, PATIENCE_S, ApiProcess, LoneApi, check_problem, environment, until
from tests.support.servers.redis_server import RedisServer

LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673), (248, 2.548543)], 88: [(272, 3.164058)]}
ROUTES = ("/users/54/recommendations", "/generations/current", "/health/ready")


@pytest.fixture
def api(redis_server: str, store_redis: Redis) -> Iterator[ApiProcess]:
    with ApiProcess(redis_server) as running:
        yield running


@pytest.fixture
def own_redis() -> Iterator[RedisServer]:
    """A server that a test may stop."""
    with RedisServer() as server:
        yield server


def test_lists_are_served_once_they_are_promoted(api: ApiProcess, store_redis: Redis) -> None:
    for route in ROUTES:
        answer = api.get(route)
        check_problem(answer, 503, "Nothing is promoted yet")
        assert int(answer.headers["Retry-After"]) > 0
    promote_lists(store_redis, Keys(), LISTS, generation="g1", metadata={300: {"title": "Air Force One (1997)"}})
    assert api.get("/health/ready").json()["generation"] == "g1"
    answer = api.ask("54", k=2, include=["metadata"])
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/json")
    assert answer.json() == {
        "user_id": 54,
        "source": "personalized",
        "generation": "g1",
        "trained_at": "2026-01-02T03:04:05Z",
        "data_until": "2026-01-01T00:00:00Z",
        "items": [
            {"item_id": 300, "score": pytest.approx(2.784323, abs=1e-6), "rank": 1, "metadata": {"title": "Air Force One (1997)"}},
            {"item_id": 294, "score": pytest.approx(2.601673, abs=1e-6), "rank": 2, "metadata": {}},
        ],
    }
    assert api.get("/users/88/recommendations").json()["items"][0]["item_id"] == 272
    check_problem(api.ask(1), 404, "User not found")
    check_problem(api.ask(54.0), 400, "Invalid request data")
    assert api.get("/generations/current").json()["n_users"] == 2


def test_a_killed_worker_is_replaced(api: ApiProcess, store_redis: Redis) -> None:
    promote_lists(store_redis, Keys(), LISTS)
    first, second = until("both workers run", lambda: api.booted() if len(api.booted()) == 2 else None)
    os.kill(first, signal.SIGKILL)
    until("a third is started", lambda: set(api.booted()) - {first, second})
    assert [api.ask(54).status_code for _ in range(20)] == [200] * 20


def test_redis_may_go_and_come_back(own_redis: RedisServer) -> None:
    with ApiProcess(own_redis.url) as api:
        with Redis.from_url(own_redis.url) as redis:
            promote_lists(redis, Keys(), LISTS)
        assert api.ask(54).status_code == 200
        own_redis.stop()
        for route in ROUTES * 3:
            answer = api.get(route)
            check_problem(answer, 503, "Store unavailable")
            assert int(answer.headers["Retry-After"]) > 0
        assert api.get("/health/live").status_code == 200
        own_redis.start()
        with Redis.from_url(own_redis.url) as redis:
            promote_lists(redis, Keys(), LISTS, generation="g2")
        until("both workers serve again", lambda: {api.ask(54).status_code for _ in range(20)} == {200})
        assert api.ask(54).json()["generation"] == "g2"


def test_requests_do_not_pile_up_behind_a_redis_that_hangs(own_redis: RedisServer) -> None:
    with ApiProcess(own_redis.url) as api, Redis.from_url(own_redis.url) as redis:
        promote_lists(redis, Keys(), LISTS)
        assert api.ask(54).status_code == 200
        os.kill(own_redis.pid, signal.SIGSTOP)
        try:
            with ThreadPoolExecutor(16) as clients:
                answers = list(clients.map(lambda _: api.ask(54), range(48)))
        finally:
            os.kill(own_redis.pid, signal.SIGCONT)
        assert [answer.status_code for answer in answers] == [503] * 48
        until("it serves again", lambda: api.ask(54).status_code == 200)


def test_no_answer_mixes_two_generations(api: ApiProcess, store_redis: Redis) -> None:
    def lists_of(number: int) -> Lists:
        return {user: [(number * 1000 + item, 5.0 - item / 10) for item in range(user % 5 + 2)] for user in range(50)}

    def promote(number: int) -> None:
        metadata: Metadata = {number * 1000 + item: {"of": f"g{number}"} for item in range(10)}
        promote_lists(store_redis, Keys(), lists_of(number), generation=f"g{number}", metadata=metadata)

    def hammer(seen: set[str]) -> None:
        user = 0
        while not done.is_set():
            user = (user + 7) % 50
            answer = api.ask(user, k=6, include=["metadata"])
            assert answer.status_code == 200, answer.text
            body = answer.json()
            number = int(body["generation"].removeprefix("g"))
            assert [item["item_id"] for item in body["items"]] == [item for item, _ in lists_of(number)[user]]
            assert {item["metadata"]["of"] for item in body["items"]} == {body["generation"]}
            seen.add(body["generation"])

    done = threading.Event()
    seen: list[set[str]] = [set(), set(), set()]
    with ThreadPoolExecutor(len(seen)) as clients:
        promote(1)
        running = [clients.submit(hammer, of_client) for of_client in seen]
        try:
            for number in range(1, 6):
                if number > 1:
                    promote(number)
                name = f"g{number}"
                until(f"{name} is served", lambda: any(client.done() for client in running) or all(name in of for of in seen))  # noqa: B023
        finally:
            done.set()
        for client in running:
            client.result()


def test_each_request_is_one_line_of_json(api: ApiProcess) -> None:
    api.get('/nope"\\%0A%22?a="')
    api.get("/health/live")
    lines = until("a line is written", lambda: [line for line in api.log_lines() if line.get("status") == 404])
    assert len(lines) == 1
    assert lines[0]["path"].startswith("/nope")
    assert lines[0]["method"] == "GET"
    assert not [line for line in api.log_lines() if line.get("path") == "/health/live"]


@pytest.mark.parametrize("start", [LoneApi, ApiProcess])
def test_sigterm_ends_it_in_order(redis_server: str, start: type[ApiProcess]) -> None:
    with start(redis_server) as api:
        api.process.terminate()
        assert api.process.wait(PATIENCE_S) == 0
        assert [line for line in api.log_lines() if line.get("level") in ("WARNING", "ERROR", "CRITICAL")] == []
        ended = [line["pid"] for line in api.log_lines() if str(line.get("message")).startswith("Worker exiting")]
        assert sorted(ended) == sorted(api.booted()), "none was killed, though some had hardly begun"


def test_sigterm_ends_processes_of_another_class_than_ours(redis_server: str) -> None:
    """The benches compare with them."""
    with LoneApi(redis_server, GUNICORN_CMD_ARGS="--worker-class=gthread") as api:
        api.process.terminate()
        assert api.process.wait(PATIENCE_S) == 0
        ended = [line["pid"] for line in api.log_lines() if str(line.get("message")).startswith("Worker exiting")]
        assert sorted(ended) == sorted(api.booted()), "none was killed"


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("LARDER_API_PORT", "http", "LARDER_API_PORT='http': "),
        ("LARDER_REDIS_URL", "redis://:hush@host:port/0", "LARDER_REDIS_URL=redis://:***@host:port/0: "),
        ("LARDER_API_WORKER", "2", "LARDER_API_WORKER is not a setting; the nearest is LARDER_API_WORKERS"),
    ],
)
def test_a_bad_setting_ends_it_with_one_line(name: str, value: str, message: str) -> None:
    ended = subprocess.run(COMMAND, cwd=ROOT, env=environment({name: value}), capture_output=True, text=True, timeout=PATIENCE_S)
    assert ended.returncode == 2
    assert len(ended.stderr.splitlines()) == 1
    assert ended.stderr.startswith(message)


def test_the_probe_of_the_container(api: ApiProcess, store_redis: Redis) -> None:
    def probe() -> int:
        env = environment({"LARDER_API_PORT": str(api.port)})
        return subprocess.run([sys.executable, "-m", "api.serving.probe"], cwd=ROOT, env=env, timeout=PATIENCE_S).returncode

    assert probe() == 1
    promote_lists(store_redis, Keys(), LISTS)
    assert probe() == 0
    api.process.terminate()
    api.process.wait(PATIENCE_S)
    assert probe() == 1
