"""Plain questions that the poller answers without a thread, on a real gunicorn and a real Redis."""

from __future__ import annotations

import json
import logging
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import cast

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from redis import Redis

from api.app import create_app
from api.lists.link import Link
from api.lists.store import Store
from api.serving.answering import Application
from api.serving.connections import Connection, Limits
from api.serving.framing import take_head
from api.serving.plain.parts import PLAIN
from api.serving.plain.threadless import ThreadlessAnswers
from api.serving.poller import Poller
from api.serving.request_queue import Ticket
from contract.errors import StoreError
from contract.formats.keys import Keys, bucket_of
from contract.formats.manifest import Pointer
from contract.settings.settings import ModelSettings, Settings
from tests.support.builders import Lists, manifest_of, write_lists
from tests.support.servers.api_process import PATIENCE_S, ApiProcess, until
from tests.support.servers.redis_variants import Server, SlowFront

LISTS: Lists = {user: [(user + item, 5.0 - item) for item in range(1, 5)] for user in range(1, 65)}
CLOSING = "Connection: close\r\n"
KEY = "k" * 16


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with Server(tmp_path_factory.mktemp("redis")) as running:
        serve(running.client)
        yield running


@pytest.fixture(scope="module")
def queue(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SlowFront]:
    """The Redis of jobs, which can be made slow."""
    with Server(tmp_path_factory.mktemp("queue")) as running, SlowFront(running.port) as front:
        yield front


@pytest.fixture(scope="module")
def api(server: Server, queue: SlowFront) -> Iterator[ApiProcess]:
    """One process with one thread, which believes a pointer for long."""
    settings = {"LARDER_API_WORKERS": "1", "LARDER_API_THREADS": "1", "LARDER_POINTER_TTL_MS": "1000", "LARDER_API_QUEUE_S": "0.2"}
    settings |= {"LARDER_API_READ_KEYS": KEY, "LARDER_QUEUE_URL": f"redis://127.0.0.1:{queue.port}/0"}
    with ApiProcess(f"redis://127.0.0.1:{server.port}/0", **settings) as running:
        until("the poller asks Redis", lambda: ask(running, 1)[0] == 200 and n_links(server) > 0)
        yield running


def serve(redis: Redis) -> Pointer:
    manifest = manifest_of(LISTS, "g1", settings=ModelSettings(k=3, depth=6, similar_depth=3))
    write_lists(redis, Keys(), manifest, LISTS)
    redis.set(Keys().current, manifest.pointer().model_dump_json())
    return manifest.pointer()


def n_links(server: Server) -> int:
    """Connections that name no library: redis-py's do."""
    return sum(not client["lib-name"] and client["cmd"] == "hget" for client in server.client.client_list())


def post(user: int, more: str = "") -> bytes:
    body = json.dumps({"user_id": user})
    head = f"POST /recommendations HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n{more}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def batch(*users: int) -> bytes:
    body = json.dumps({"user_ids": users})
    head = f"POST /recommendations/batch HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nContent-Type: application/json\r\n{CLOSING}"
    return f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode()


def get(path: str) -> bytes:
    return f"GET {path} HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\n\r\n".encode()


def answers(api: ApiProcess, *parts: bytes) -> list[tuple[int, dict[str, object]]]:
    """Status and object of all answers until the server ends its half."""
    with socket.create_connection(("127.0.0.1", api.port), PATIENCE_S) as stream:
        for part in parts:
            stream.sendall(part)
        found = []
        with stream.makefile("rb") as file:
            while line := file.readline():
                length = 0
                while (header := file.readline()) != b"\r\n":
                    if header.lower().startswith(b"content-length:"):
                        length = int(header.partition(b":")[2])
                found.append((int(line.split()[1]), json.loads(body) if (body := file.read(length)).startswith(b"{") else {}))
    return found


def ask(api: ApiProcess, user: int) -> tuple[int, dict[str, object]]:
    (found,) = answers(api, post(user, CLOSING))
    return found


def test_requests_on_one_connection_are_answered_in_their_order_whoever_answers(api: ApiProcess) -> None:
    asked = [1, 999, 2, 3, 999, 4]
    found = answers(
        api, b"".join(post(user) for user in asked) + get("/users/5/recommendations?k=1") + get("/nope") + post(6, CLOSING) + post(7)
    )
    assert [status for status, _ in found] == [200, 404, 200, 200, 404, 200, 200, 404, 200]
    users = [answer["user_id"] for status, answer in found if status == 200]
    assert users == [1, 2, 3, 4, 5, 6]


def test_batches_of_many_at_once_get_their_own(api: ApiProcess) -> None:
    def one_client(first: int) -> list[object]:
        ((_, answer),) = answers(api, batch(*range(first, first + 8)))
        results = cast("list[dict[str, object]]", answer["results"])
        return [result["user_id"] for result in results]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one_client, range(1, 57)))
    assert found == [list(range(first, first + 8)) for first in range(1, 57)]


def test_all_of_many_at_once_get_their_own(api: ApiProcess) -> None:
    def one_client(first: int) -> list[object]:
        users = range(first, first + 8)
        return [answer["user_id"] for _, answer in answers(api, *[post(user) for user in users[:-1]], post(users[-1], CLOSING))]

    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(one_client, range(1, 57, 7)))
    assert found == [list(range(first, first + 8)) for first in range(1, 57, 7)]


def test_a_thread_that_waits_holds_up_no_plain_question(api: ApiProcess, queue: SlowFront) -> None:
    """The only thread asks a slow Redis for jobs, so that what waits for it is refused."""
    queue.delay_s = 0.3
    with ThreadPoolExecutor(8) as pool:
        stuck = [pool.submit(answers, api, get("/metrics")[:-2] + b"Connection: close\r\n\r\n") for _ in range(8)]
        plain = []
        while not all(one.done() for one in stuck):
            plain.append(ask(api, 1)[0])
            plain.append(answers(api, batch(1, 2, 3))[0][0])
        statuses = [one.result()[0][0] for one in stuck]
    queue.delay_s = 0.0
    assert 503 in statuses
    assert set(plain) == {200}


def test_each_has_a_line_in_the_log_and_counts(api: ApiProcess) -> None:
    head = f"POST /recommendations HTTP/1.1\r\nHost: a\r\nX-API-Key: {KEY}\r\nX-Request-ID: first\r\nContent-Type: application/json\r\n"
    answers(api, f'{head}{CLOSING}Content-Length: 13\r\n\r\n{{"user_id":9}}'.encode())
    line = until("it is in the log", lambda: next((line for line in api.log_lines() if line.get("request_id") == "first"), None))
    assert (line["method"], line["path"], line["status"], line["remote"]) == ("POST", "/recommendations", 200, "127.0.0.1")
    assert line["bytes"] > 100
    assert line["ms"] >= 0


def test_an_erased_user_is_unknown_at_once_and_a_list_that_is_written_anew_is_the_one_that_is_given(
    api: ApiProcess, server: Server
) -> None:
    assert ask(api, 33)[0] == 200
    redis = server.client
    bucket, other = (Keys().recs("g1", bucket_of(user, serve(redis).n_user_buckets)) for user in (33, 34))
    kept = cast("bytes", redis.hget(bucket, "33"))
    redis.hset(bucket, "33", cast("bytes", redis.hget(other, "34")))
    assert ask(api, 33)[1]["items"] == ask(api, 34)[1]["items"]
    redis.hdel(bucket, "33")
    assert ask(api, 33)[0] == 404
    redis.hset(bucket, "33", kept)
    assert ask(api, 33)[0] == 200


def test_a_connection_that_redis_closes_costs_no_answer(api: ApiProcess, server: Server) -> None:
    for _ in range(3):
        until("the poller asks Redis", lambda: ask(api, 1)[0] == 200 and n_links(server) > 0)
        server.client.client_kill_filter(_type="normal", skipme=True)
        assert [ask(api, user)[0] for user in range(1, 9)] == [200] * 8


def test_an_answer_that_is_not_of_redis_turns_it_off_for_a_moment_only(tmp_path: Path) -> None:
    """Something else listens where Redis should, as after a mistyped port; the connection's start meets it already, by the database."""
    server = Server(tmp_path / "late")
    with ApiProcess(f"redis://127.0.0.1:{server.port}/3", LARDER_API_WORKERS="1", LARDER_API_READ_KEYS=KEY) as api:
        with ThreadingHTTPServer(("127.0.0.1", server.port), BaseHTTPRequestHandler) as other:
            threading.Thread(target=other.serve_forever, daemon=True).start()
            until("it has failed", lambda: ask(api, 1)[0] == 503 and "Threads alone ask Redis" in api.log())
            other.shutdown()
        with server:
            serve(Redis(port=server.port, db=3))
            until("the poller asks Redis", lambda: ask(api, 1)[0] == 200 and n_links(server) > 0)
            assert "Traceback" not in api.log()


@pytest.mark.parametrize("url", ["rediss://127.0.0.1/0", "sentinel://127.0.0.1/main/0"])
def test_what_needs_more_than_a_connection_is_left_to_threads(url: str) -> None:
    with pytest.raises(ValueError, match="neither TLS nor Sentinels"):
        Link(url)


def test_what_is_small_waits_for_others_and_a_batch_for_nobody(server: Server) -> None:
    """Whoever has come by then asks Redis with it; and after that nobody is waited for."""
    settings = Settings(redis_url=f"redis://127.0.0.1:{server.port}/0")
    store = Store.of(settings)
    parts, link = create_app(settings, store).extensions[PLAIN], Link(settings.redis_url)
    poller = Poller(Config(), Limits(60, 60), 10, lambda *_: None, lambda _error: b"")
    threadless = ThreadlessAnswers(
        parts, link, Application(Config(), logging.getLogger("tests"), lambda *_: ()), poller, lambda _: None, lambda *_: None
    )
    link.begin(link.connect())
    ours, theirs = socket.socketpair()

    def taken(body: bytes, path: bytes) -> bool:
        head = b"POST /%s HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % (path, len(body))
        arrived = take_head(bytearray(head + body), Config(), ("127.0.0.1", 1), 1)
        assert arrived is not None
        arrived.body.write(body)
        arrived.body.seek(0)
        store.pointers.current()  # is young, however slow the machine is
        return threadless.takes(Ticket(Connection(ours, ("127.0.0.1", 1), ("127.0.0.1", 2)), arrived))

    with ours, theirs:
        assert taken(b'{"user_id": 1}', b"recommendations")
        gathered = [threadless.gathers]
        threadless.flush()
        gathered.append(threadless.gathers)
        assert taken(json.dumps({"user_ids": list(range(1, 33))}).encode(), b"recommendations/batch")
        assert [*gathered, threadless.gathers] == [True, False, False]
        link.close()


def test_a_password_and_a_database(tmp_path: Path) -> None:
    path = tmp_path / "redis.sock"
    with Server(tmp_path / "other", "--unixsocket", str(path)) as server:
        other = Redis(port=server.port, db=3)
        other.hset("h", "f", "v")
        server.client.acl_setuser("reader", enabled=True, passwords=["+p@ss"], keys=["*"], commands=["-@all", "+@read", "+@connection"])
        server.client.config_set("requirepass", "w:rd")
        for login in ("reader:p%40ss@", ":w%3Ard@"):
            for url in (f"redis://{login}127.0.0.1:{server.port}/3", f"unix://{login}{path}?db=3"):
                link = Link(url)
                link.begin(link.connect())
                link.put([("HGET", "h", "f"), ("HGET", "h", "g"), ("HGETALL", "h")])
                link.flush()
                assert _received(link, 3) == [b"v", None, [b"f", b"v"]]
                link.close()
                assert not link.is_open
        with pytest.raises(StoreError, match="AUTH"):
            Link(f"redis://:wrong@127.0.0.1:{server.port}/0").connect()
        other.close()


def test_the_end_of_a_connection_is_told(tmp_path: Path) -> None:
    with Server(tmp_path / "brief") as server:
        link = Link(f"redis://127.0.0.1:{server.port}/0")
        link.begin(link.connect())
        assert link.receive() == []
        server.kill()
        with pytest.raises(OSError, match=r"closed|reset"):
            _received(link, 1)
        link.close()
        with pytest.raises(OSError, match="refused"):
            link.connect()


def _received(link: Link, n: int) -> list[object]:
    found: list[object] = []
    until("answers come", lambda: found.extend(link.receive()) or len(found) >= n)  # type: ignore[func-returns-value]
    return found
