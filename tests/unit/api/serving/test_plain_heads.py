"""A head that is read in the quick way is read as gunicorn reads it, or is left to it."""

from __future__ import annotations

from random import Random, randrange
from typing import Any

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]
from gunicorn.http.errors import ParseException  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from api.serving.plain_heads import MAX_BYTES, plain_request
from tests.support.depth import deeper, examples

CONFIG = Config()
SAID = ("method", "uri", "path", "query", "fragment", "version", "scheme", "headers", "trailers", "proxy_protocol_info")
ADDRESS = ("127.0.0.1", 1)  # which gunicorn believes what a proxy says

NAMES = [
    "Host",
    "host",
    "Content-Length",
    "Content-Type",
    "Connection",
    "Transfer-Encoding",
    "Expect",
    "X-Forwarded-Proto",
    "X-Forwarded-For",
]
NAMES += ["X_Y", "X-Request-ID", "Accept", "Cookie", "", "X Y", "X:", "É", "TE", "Upgrade", "A", "1", "X-Forwarded-Ssl"]
VALUES = [
    "a",
    "",
    " ",
    "close",
    "Close",
    "keep-alive",
    "keep-alive, x",
    "0",
    "5",
    "+5",
    "05",
    "5, 5",
    "chunked",
    "gzip",
    "100-continue",
    "https",
]
VALUES += ["\ta\t b ", "é", "a\x00", "a\x7f", "²", "a\nX: y", "a\r", "x" * 5000, "1" * 8]
TARGETS = [
    "/",
    "/a?b=c",
    "//a",
    "/a//b",
    "http://a/b",
    "*",
    "/a#b",
    "/a?b#c",
    "/a?b?c",
    "/a%20;x=1?",
    "/é",
    "/a[1]",
    "/a\\b",
    "",
    "a:80",
    "/a:b@c",
    "/<x>",
]
TARGET_CHARS = "/ab%?#[]:;@&=+$,.~<>\"'\\^`{|}"


def head_of(random: Random) -> bytes:
    """Of what clients send; each part is odd once in so many."""
    n_odd = random.choice([3, 10, 40])

    def one_of(common: list[str], odd: list[str]) -> str:
        return random.choice(odd if random.randrange(n_odd) == 0 else common)

    method = one_of(["GET", "POST"], ["get", "HEAD", "CONNECT", "G", ""])
    target = one_of(["/", "/a?b=c", "/" + "".join(random.choices(TARGET_CHARS, k=random.randint(0, 8)))], TARGETS)
    version = one_of(["HTTP/1.1"], ["HTTP/1.0", "HTTP/2.0", "http/1.1", "HTTP/1.1 "])
    lines = [one_of(["Host: a"], ["Host:", "host:a", "Accept: b"])]
    for _ in range(random.randint(0, 6)):
        lines.append(
            one_of(["Accept", "Cookie", "A", "X-Request-ID"], NAMES) + one_of([": "], [":", " :", ""]) + one_of(["a", "5"], VALUES)
        )
    random.shuffle(lines)
    return "\r\n".join([f"{method} {target} {version}", *lines, "", ""]).encode("latin-1")


def compare(head: bytes) -> bool:
    """Whether it was read in the quick way; then as gunicorn does."""
    quick = plain_request(head, CONFIG)
    if quick is None:
        return False
    whole: Any = Request(CONFIG, IterUnreader([head]), ADDRESS, 1)  # raises for what is no HTTP
    assert [getattr(quick, name) for name in SAID] == [getattr(whole, name) for name in SAID]
    assert (quick.length, quick.should_close()) == (whole.body.reader.length, whole.should_close())
    assert not whole._expected_100_continue
    assert sum(name == "HOST" for name, _ in whole.headers) == 1
    return True


@deeper
def test_what_is_read_quickly_is_what_gunicorn_reads() -> None:
    """Half of them from a fixed seed, half from one that is new each time."""
    read_quickly = n_heads = 0
    for seed in (1, randrange(2**32)):
        random = Random(seed)
        for number in range(examples(250, 100_000)):
            n_heads += 1
            head = head_of(random)
            try:
                read_quickly += compare(head)
            except Exception as error:
                raise AssertionError(f"seed {seed}, head {number}: {head!r}") from error
    assert n_heads / 10 < read_quickly < n_heads * 0.9  # both ends of the comparison are tried


POST = b"POST /recommendations HTTP/1.1\r\nHost: 127.0.0.1:80\r\nContent-Type: application/json\r\nContent-Length: 15\r\n"
BROWSER = (
    b"GET /users/5/recommendations?k=3&filter=price%20%3C%205 HTTP/1.1\r\nHost: a.example\r\nUser-Agent: Mozilla/5.0 (X11; Linux) x/1\r\n"
    b"Accept: */*\r\nAccept-Encoding: gzip, deflate\r\nAccept-Language: en;q=0.5\r\nConnection: Keep-Alive\r\nX-Forwarded-For: 1.2.3.4\r\n"
    b"X-Request-ID: a\r\nCookie: a=b\r\nCookie: c=d\r\nAuthorization: Bearer x\r\n"
)


@pytest.mark.parametrize("head", [POST, BROWSER, POST + b"Connection: close\r\n", b"GET / HTTP/1.1\r\nhost:a\r\n"])
def test_what_clients_write_is_read_quickly(head: bytes) -> None:
    assert compare(head + b"\r\n")


@pytest.mark.parametrize(
    "more",
    [
        b"Transfer-Encoding: chunked\r\n",
        b"Content-Length: 15\r\n",
        b"Host: b\r\n",
        b"Content-Type: a\r\n",
        b"Expect: 100-continue\r\n",
        b"Connection: close, te\r\n",
        b"X-Forwarded-Proto: https\r\n",
        b"X_Forwarded_For: 1\r\n",
        b" folded: 1\r\n",
        b"X: a\rb\r\n",
        b"X: a\nb\r\n",
        b"X: \xe9\r\n",
        b"X: " + b"y" * MAX_BYTES + b"\r\n",
        b"a:\r\n" * 101,
    ],
)
def test_what_is_not_plain_is_left_to_gunicorn(more: bytes) -> None:
    assert plain_request(POST + more + b"\r\n", CONFIG) is None


def test_the_generated_heads_are_of_both_kinds() -> None:
    assert compare(b"GET /a?b=c HTTP/1.1\r\nHost: a\r\nA: 5\r\n\r\n")
    with pytest.raises(ParseException):
        Request(CONFIG, IterUnreader([b"GET /a HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n"]), ADDRESS, 1)
