"""The API on the Redis servers of production: with a password, a user who may only read, TLS, Sentinels, and outages."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from pathlib import Path

import pytest
import trustme
from redis import Redis

from api.lists.clients import Clients
from contract.formats.keys import Keys
from contract.settings.settings import ModelSettings
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.servers.api_process import ApiProcess, check_problem, until
from tests.support.servers.redis_variants import Server, SlowFront, TlsFront, free_port

LISTS: Lists = {54: [(300, 2.784323), (294, 2.601673)], 88: [(272, 3.164058)]}
PASSWORD = "p@ss:word/1"
QUOTED = "p%40ss%3Aword%2F1"
GETS = (
    "/users/54/recommendations",
    "/users/54/recommendations?include=metadata",
    "/popular",
    "/items/300",
    "/items/300/similar",
    "/generations",
    "/generations/current",
    "/health/ready",
    "/runs/none",
)


def serve(redis: Redis, generation: str = "g1") -> None:
    manifest = manifest_of(LISTS, generation, settings=ModelSettings(k=3, depth=6, similar_depth=3))
    write_lists(redis, Keys(), manifest, LISTS, {300: {"title": "Heat"}})
    redis.set(Keys().current, manifest.pointer().model_dump_json())


@pytest.fixture
def server(tmp_path: Path) -> Iterator[Server]:
    with Server(tmp_path) as running:
        yield running


def n_of(process: int, what: str) -> int:
    """Threads ("task") or open files ("fd") of a process."""
    return len(list(Path(f"/proc/{process}/{what}").iterdir()))


@pytest.mark.long
def test_a_password(server: Server) -> None:
    serve(server.client)
    server.client.config_set("requirepass", PASSWORD)
    with ApiProcess(f"redis://:{QUOTED}@127.0.0.1:{server.port}/0") as api:
        assert api.ask(54).json()["items"][0]["item_id"] == 300
        assert "word" not in api.log()
    with ApiProcess(f"redis://:wrong@127.0.0.1:{server.port}/0") as api:
        check_problem(api.ask(54), 503, "Store unavailable")


@pytest.mark.long
def test_a_user_who_may_only_read(server: Server) -> None:
    serve(server.client)
    commands = ["-@all", "+@read", "+@connection"]
    server.client.acl_setuser("reader", enabled=True, passwords=[f"+{PASSWORD}"], keys=["larder:*"], commands=commands)
    with ApiProcess(f"redis://reader:{QUOTED}@127.0.0.1:{server.port}/0", LARDER_API_ADMIN_KEYS="a" * 16) as api:
        for path in GETS:
            assert api.get(path).status_code in (200, 404), path
        assert api.ask(54, include=["metadata"]).status_code == 200
        metrics = api.get("/metrics").text
        assert "larder_store_up 1.0" in metrics
        assert "larder_jobs{" not in metrics
        assert api.send_admin("POST", "/generations/release", "a" * 16).status_code == 503
        assert api.ask(54).status_code == 200


def test_tls(server: Server, tmp_path: Path) -> None:
    serve(server.client)
    authority = trustme.CA()
    authority.cert_pem.write_to_path(str(tmp_path / "ca.pem"))
    with TlsFront(authority.issue_cert("127.0.0.1"), server.port) as port:
        trusted = f"rediss://127.0.0.1:{port}/0?ssl_ca_certs={tmp_path / 'ca.pem'}"
        with ApiProcess(trusted) as api:
            assert api.ask(54).status_code == 200
        with ApiProcess(f"rediss://127.0.0.1:{port}/0") as api:  # nobody vouches for this certificate
            check_problem(api.ask(54), 503, "Store unavailable")


@pytest.mark.long
def test_sentinels_name_the_server_and_the_one_after_it(tmp_path: Path) -> None:
    with ExitStack() as stack:
        first = stack.enter_context(Server(tmp_path / "first"))
        second = stack.enter_context(Server(tmp_path / "second", "--replicaof", "127.0.0.1", str(first.port)))
        serve(first.client)
        until("the replica has the lists", lambda: second.client.exists(Keys().current))
        sentinel = stack.enter_context(Server(tmp_path / "sentinel", sentinel_of=first.port))
        api = stack.enter_context(ApiProcess(f"sentinel://127.0.0.1:{sentinel.port},127.0.0.1:{free_port()}/main/0"))
        until("lists are served", lambda: api.ask(54).status_code == 200)
        until("the Sentinel knows the replica", lambda: sentinel.client.sentinel_slaves("main"))
        first.kill()
        until("the replica was promoted", lambda: second.client.info("replication")["role"] == "master")
        until("lists are served again", lambda: api.ask(54).status_code == 200)


@pytest.mark.long
def test_every_route_answers_while_redis_is_away_and_nothing_leaks(server: Server) -> None:
    serve(server.client)
    posts: list[tuple[str, dict[str, object]]] = [
        ("/recommendations", {"user_id": 54}),
        ("/recommendations/batch", {"user_ids": [54, 88]}),
        ("/recommendations/session", {"items": [{"item_id": 300}]}),
    ]
    with ApiProcess(f"redis://127.0.0.1:{server.port}/0", LARDER_API_WORKERS="1") as api:
        assert api.ask(54).status_code == 200
        (worker,) = until("the worker runs", api.booted)
        for _ in range(50):
            api.ask(54)
        threads, files = n_of(worker, "task"), n_of(worker, "fd")
        server.kill()
        for cycle in range(1000 // (len(GETS) + len(posts)) + 1):
            for path in GETS:
                answer = api.get(path)
                check_problem(answer, 503, "Store unavailable")
                assert int(answer.headers["Retry-After"]) > 0
                assert answer.elapsed.total_seconds() < 5, (cycle, path)  # the bar is one second
            for path, body in posts:
                check_problem(api.post(path, body), 503, "Store unavailable")
        assert api.get("/metrics").status_code == 200
        assert "larder_store_up 0.0" in api.get("/metrics").text
        server.start()
        serve(server.client, "g2")
        until("it serves again", lambda: api.ask(54).status_code == 200)
        assert n_of(worker, "task") <= threads + 4  # gunicorn's pool may have been below its four threads
        assert n_of(worker, "fd") <= files + 8
        assert len(server.client.client_list()) <= 8


def test_behind_a_slow_redis_no_queue_grows(server: Server) -> None:
    """Twenty requests, of which the only thread could answer one in 0.3 s."""
    serve(server.client)
    settings = {"LARDER_API_WORKERS": "1", "LARDER_API_THREADS": "1", "LARDER_API_QUEUE_S": "0.2"}
    with SlowFront(server.port) as front, ApiProcess(f"redis://127.0.0.1:{front.port}/0", **settings) as api:
        until("lists are served", lambda: api.ask(54).status_code == 200)
        front.delay_s = 0.3
        with ThreadPoolExecutor(20) as pool:
            asked = [pool.submit(api.ask, 54) for _ in range(20)]
            assert api.get("/health/live").status_code == 200
            answers = [one.result() for one in asked]
        refused = [answer for answer in answers if answer.status_code == 503]
        assert len(refused) >= 10
        overloaded = [answer for answer in refused if answer.json()["error"] == "Overloaded"]
        check_problem(overloaded[0], 503, "Overloaded")
        assert int(overloaded[0].headers["Retry-After"]) > 0
        assert overloaded[0].headers["X-Request-ID"]
        front.delay_s = 0.0
        until("lists are served again", lambda: api.ask(54).status_code == 200)


def test_counts_outlive_their_workers_and_their_files_do_not(server: Server) -> None:
    serve(server.client)
    with ApiProcess(f"redis://127.0.0.1:{server.port}/0", LARDER_API_WORKERS="1") as api:
        (folder,) = map(Path, open_counts(until("the worker runs", api.booted)[0]))
        assert [api.ask(54).status_code for _ in range(5)] == [200] * 5
        os.kill(api.booted()[0], signal.SIGKILL)
        until("another worker runs", lambda: len(api.booted()) == 2)
        until("lists are served", lambda: api.ask(54).status_code == 200)
        counts = [line for line in api.get("/metrics").text.splitlines() if line.startswith("larder_request_seconds_count{")]
        assert sum(float(line.split()[-1]) for line in counts if "/recommendations" in line) >= 6
        assert not list(folder.glob(f"*_{api.booted()[0]}.db"))
    assert not folder.exists()


def open_counts(process: int) -> list[str]:
    """Folders of the counts that a process has mapped."""
    maps = Path(f"/proc/{process}/maps").read_text().splitlines()
    return sorted({str(Path(line.split()[-1]).parent) for line in maps if line.endswith(".db")})


def test_no_ping_that_redis_may_refuse_comes_before_a_command(server: Server) -> None:
    """A Redis that can't write to its disk refuses it, and answers reads."""
    clients = Clients.of(f"redis://127.0.0.1:{server.port}/0")
    assert clients.ask(lambda client: client.connection.health_check_interval if client.connection else None) == 0
