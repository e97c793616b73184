"""Clients that are slow, silent or odd, on connections of a real gunicorn: they cost nobody else anything, and their time ends."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, suppress

import pytest
import requests

from api.http.problems import MAX_BODY_BYTES
from tests.support.servers.api_process import PATIENCE_S, ApiProcess, until

HEAD = b"POST /recommendations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"
GET = b"GET /nope HTTP/1.1\r\nHost: a\r\n\r\n"
SLOW = {
    "one byte": b"G",
    "half a head": b"GET /nope HTTP/1.1\r\nHost: a\r\nX-",
    "half a body": HEAD + b'Content-Length: 15\r\n\r\n{"user',
    "no body": HEAD + b"Content-Length: 1000\r\n\r\n",
    "half a chunk": HEAD + b'Transfer-Encoding: chunked\r\n\r\nf\r\n{"user',
    "nothing": b"",
    "never closes": b"GET /nope HTTP/1.0\r\n\r\n",
    "a body that is too long and never comes": HEAD + b"Content-Length: 10000000\r\n\r\n",
}
N_SLOW = 64


@pytest.fixture(scope="module")
def api() -> Iterator[ApiProcess]:
    with ApiProcess("unix:///nonexistent/redis.sock", LARDER_API_KEEPALIVE_S="2", LARDER_API_READ_TIMEOUT_S="2") as running:
        yield running


@pytest.fixture(scope="module")
def patient_api() -> Iterator[ApiProcess]:
    """One that closes nothing within a test."""
    with ApiProcess("unix:///nonexistent/redis.sock", LARDER_API_KEEPALIVE_S="60", LARDER_API_READ_TIMEOUT_S="60") as running:
        yield running


def connect(api: ApiProcess) -> socket.socket:
    return socket.create_connection(("127.0.0.1", api.port), PATIENCE_S)


def statuses(stream: socket.socket) -> list[int]:
    """Of all answers until the server ends its half."""
    with stream.makefile("rb") as file:
        return [int(line.split()[1]) for line in file.read().splitlines() if line.startswith(b"HTTP/1.")]


def exchange(api: ApiProcess, *parts: bytes) -> list[int]:
    """Statuses of the answers to bytes after which the client ends its half."""
    with connect(api) as stream:
        for part in parts:
            stream.sendall(part)
        stream.shutdown(socket.SHUT_WR)
        return statuses(stream)


def read_answer(stream: socket.socket) -> tuple[int, bytes]:
    """The next one, with a length, and no byte behind it."""
    data = b""
    while b"\r\n\r\n" not in data:
        more = stream.recv(1)
        assert more, f"the connection ended after {data!r}"
        data += more
    length = int(data.lower().partition(b"content-length: ")[2].partition(b"\r\n")[0] or 0)
    body = b""
    while len(body) < length:
        body += stream.recv(length - len(body))
    return int(data.split()[1]), body


@pytest.mark.parametrize("kind", SLOW)
def test_slow_clients_hold_up_nobody(patient_api: ApiProcess, kind: str) -> None:
    with ExitStack() as stack:
        slow = [stack.enter_context(connect(patient_api)) for _ in range(N_SLOW)]
        for stream in slow:
            stream.sendall(SLOW[kind])
        assert [patient_api.get("/docs").status_code for _ in range(50)] == [200] * 50


@pytest.mark.parametrize(
    ("kind", "ends_with"),
    [
        ("one byte", [408]),
        ("half a head", [408]),
        ("half a body", [408]),
        ("no body", [408]),
        ("half a chunk", [408]),
        ("nothing", []),
        ("never closes", [404]),
        ("a body that is too long and never comes", [413]),
    ],
)
def test_the_time_of_slow_clients_ends(api: ApiProcess, kind: str, ends_with: list[int]) -> None:
    with connect(api) as stream:
        stream.sendall(SLOW[kind])
        assert statuses(stream) == ends_with


def test_a_connection_that_the_client_never_closes_is_closed(api: ApiProcess) -> None:
    before = open_connections(api)
    with connect(api) as stream:
        stream.sendall(SLOW["never closes"])
        assert statuses(stream) == [404]
        until("the server has let go of it", lambda: open_connections(api) == before)


def open_connections(api: ApiProcess) -> list[str]:
    """Remote ends, in the kernel's spelling, of what the server's side has not closed."""
    with open("/proc/net/tcp") as table:
        rows = [line.split() for line in table.readlines()[1:]]
    port = f"{api.port:04X}"
    return sorted(row[2] for row in rows if row[1].endswith(f":{port}") and row[3] in ("01", "05", "08"))


def test_requests_follow_each_other_on_a_connection(api: ApiProcess) -> None:
    last = b"GET /nope HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    bodies = HEAD + b"Content-Length: 2\r\n\r\n{}" + HEAD + b"Transfer-Encoding: chunked\r\n\r\n2;x=y\r\n{}\r\n0\r\nT: v\r\n\r\n"
    assert exchange(api, GET + bodies + b"HEAD /docs HTTP/1.1\r\nHost: a\r\n\r\n" + GET + last + GET) == [404, 400, 400, 200, 404, 404]
    with connect(api) as stream:
        for part in (GET, bodies[:-1], bodies[-1:]):
            stream.sendall(part)
        assert [read_answer(stream)[0] for _ in range(3)] == [404, 400, 400]


def test_a_request_may_come_byte_by_byte(api: ApiProcess) -> None:
    whole = HEAD + b'Transfer-Encoding: chunked\r\nConnection: close\r\n\r\n5\r\n{"x":\r\n2\r\n1}\r\n0\r\n\r\n'
    with connect(api) as stream:
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for at in range(len(whole)):
            stream.sendall(whole[at : at + 1])
        status, body = read_answer(stream)
    assert status == 400
    assert b'\\"x\\" is not a field' in body


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"GET /nope HTTP/1.0\r\n\r\n", [404]),
        (b"GET /nope HTTP/1.0\r\nConnection: keep-alive\r\n\r\n" + GET, [404, 404]),
        (b"GET /nope HTTP/1.1\r\n\r\n", [400]),
        (b"GET /nope HTTP/1.2\r\nHost: a\r\n\r\n", [404]),
        (b"GET /nope HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n" + GET, [400]),
        (b"\r\n" + GET, [404]),
        (b"GET /nope HTTP/1.1\nHost: a\n\n", [400]),
        (b"GET /nope HTTP/1.1\r\nHost: a\r\n" + b"X: " + b"y" * 9000 + b"\r\n\r\n", [431]),
        (b"GET /nope HTTP/1.1\r\nHost: a\r\n" + (b"X: " + b"y" * 1000 + b"\r\n") * 70 + b"\r\n", [431]),
        (b"GET /" + b"x" * 100_000, [414]),
        (HEAD + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + GET, [501]),
        (HEAD + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n" + GET, [400]),
        (HEAD + b"Content-Length: 2\r\nContent-Length: 3\r\n\r\n{}" + GET, [400]),
        (HEAD + b"Content-Length: +2\r\n\r\n{}" + GET, [400]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n" + GET, [400]),
        (HEAD + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + GET, [400]),
        (b"POST /nope HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}XX0\r\n\r\n" + GET, [404]),
        (HEAD + b"Expect: a miracle\r\n\r\n", [417]),
        (b"GET /nope HTTP/1.1\r\nHost", []),
        (b"", []),
    ],
)
def test_what_follows_what_is_odd(api: ApiProcess, raw: bytes, expected: list[int]) -> None:
    assert exchange(api, raw) == expected


def test_who_expects_100_continue_gets_it_where_the_body_is_wanted(api: ApiProcess) -> None:
    with connect(api) as stream:
        stream.sendall(HEAD + b"Content-Length: 2\r\nExpect: 100-Continue\r\n\r\n")
        assert read_answer(stream) == (100, b"")
        stream.sendall(b"{}")
        assert read_answer(stream)[0] == 400
    assert exchange(api, HEAD + b"Content-Length: %d\r\nExpect: 100-continue\r\n\r\n" % (MAX_BODY_BYTES + 1)) == [413]
    assert exchange(api, HEAD + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}") == [400]


def test_a_client_that_takes_its_answer_slowly_holds_up_nobody_and_gets_it_whole(patient_api: ApiProcess) -> None:
    ask = b"GET /docs/swagger-ui-bundle.js HTTP/1.1\r\nHost: a\r\n\r\n"
    whole = patient_api.get("/docs/swagger-ui-bundle.js").content
    with ExitStack() as stack:
        slow = []
        for _ in range(N_SLOW):
            stream = stack.enter_context(socket.socket())
            stream.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            stream.settimeout(PATIENCE_S)
            stream.connect(("127.0.0.1", patient_api.port))
            stream.sendall(ask)
            slow.append(stream)
        assert all(stream.recv(1, socket.MSG_PEEK) for stream in slow)
        assert [patient_api.get("/nope").status_code for _ in range(50)] == [404] * 50
        slow[0].sendall(GET)
        assert read_answer(slow[0]) == (200, whole)
        assert read_answer(slow[0])[0] == 404


def test_a_place_is_made_for_who_comes_when_all_are_taken() -> None:
    with ApiProcess("unix:///nonexistent/redis.sock", LARDER_API_WORKERS="1", LARDER_API_CONNECTIONS="8") as api, ExitStack() as stack:
        silent = [stack.enter_context(connect(api)) for _ in range(32)]
        for stream in silent:
            stream.sendall(b"G")
        assert [api.get("/docs").status_code for _ in range(20)] == [200] * 20
        with suppress(ConnectionResetError):  # closed before its byte was read
            assert statuses(silent[0]) == []


@pytest.mark.long
def test_sigterm_readiness_first_then_nobody_is_let_in_and_what_has_begun_is_finished() -> None:
    with ApiProcess("unix:///nonexistent/redis.sock", LARDER_API_DRAIN_S="2", LARDER_API_READ_TIMEOUT_S="60") as api, connect(api) as begun:
        begun.sendall(HEAD + b"Content-Length: 2\r\n\r\n{")
        api.process.terminate()
        until("it says that it stops", lambda: api.get("/health/ready").json()["error"] == "Stopping")
        assert api.get("/docs").headers["Connection"] == "close"
        until("nobody is let in", lambda: is_refused(api))
        begun.sendall(b"}")
        assert read_answer(begun)[0] == 400
        assert api.process.wait(PATIENCE_S) == 0


def is_refused(api: ApiProcess) -> bool:
    try:
        api.get("/docs")
    except requests.ConnectionError:
        return True
    return False
