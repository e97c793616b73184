"""What a real gunicorn answers to requests that are hardly HTTP, or too much of it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from api.http.problems import MAX_BODY_BYTES
from tests.support.servers.api_process import PATIENCE_S, ApiProcess, check_problem


@pytest.fixture(scope="module")
def bare_api() -> Iterator[ApiProcess]:
    """For requests that are refused before Redis is asked."""
    with ApiProcess("unix:///nonexistent/redis.sock") as running:
        yield running


@pytest.mark.parametrize(
    ("raw", "status"),
    [
        (b"nonsense\r\n\r\n", 400),
        (b"GET / HTTP/9.9\r\n\r\n", 400),
        (b"GET /" + b"x" * 10_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", 414),
        (b"GET / HTTP/1.1\r\nHost: a\r\n" + b"X: y\r\n" * 200 + b"\r\n", 431),
        (b"GET / HTTP/1.1\r\nbad header\r\n\r\n", 400),
        (b"GET /nope/%00%ff HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n", 404),
        (b"GET /nope HTTP/1.1\r\nHost: [::\xff\r\nConnection: close\r\n\r\n", 404),
        (b"GET /nope HTTP/1.1\r\nHost: a\r\nSCRIPT_NAME: /x\r\nConnection: close\r\n\r\n", 404),
        (b"POST /recommendations HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\nzz\r\n", 400),
        (b"POST /recommendations HTTP/1.1\r\nHost: a\r\nContent-Length: 50\r\nConnection: close\r\n\r\n{}", 400),
    ],
)
def test_what_is_hardly_http_gets_the_same_shape(bare_api: ApiProcess, raw: bytes, status: int) -> None:
    got, headers, body = bare_api.send(raw)
    assert (got, headers["content-type"]) == (status, "application/problem+json")
    assert (body["status"], set(body)) == (status, {"type", "title", "status", "detail", "error"})
    assert [line for line in bare_api.log_lines() if "trace" in line] == []


@pytest.mark.parametrize("n_bytes", [MAX_BODY_BYTES, MAX_BODY_BYTES + 1, 10_000_000])
@pytest.mark.parametrize("is_chunked", [False, True])
def test_a_body_has_a_limit(bare_api: ApiProcess, n_bytes: int, is_chunked: bool) -> None:
    body = b'{"user_id": 1.0}'.ljust(n_bytes)
    answer = requests.post(f"{bare_api.url}/recommendations", data=iter([body]) if is_chunked else body, timeout=PATIENCE_S)
    if n_bytes > MAX_BODY_BYTES:
        check_problem(answer, 413, "Request body too large")
    else:
        check_problem(answer, 400, "Invalid request data")
        assert "user_id" in answer.json()["detail"]
