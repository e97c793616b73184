"""Heads of requests as nearly all clients write them, read in a quarter of the time of gunicorn's parser.

It knows one spelling of each thing, and only what gunicorn would read in the same way, which a test holds it to; any other head is left to
gunicorn: what is not HTTP, codings of a body, expectations, what a proxy says of the scheme, and HTTP/1.0.
"""

from __future__ import annotations

import re
from typing import Any

MAX_BYTES = 4096
MAX_FIELDS = 100
_HEAD = re.compile(
    rb"(GET|POST) ((/(?!/)[A-Za-z0-9._~%!$&'()*+,;=:@/-]*)(?:\?([A-Za-z0-9._~%!$&'()*+,;=:@/?-]*))?) HTTP/1\.1\r\n"
    rb"((?:[A-Za-z0-9-]+:[\t\x20-\x7e]*\r\n)+)\r\n"
)
_SINGLE = ("HOST", "CONTENT-TYPE", "CONTENT-LENGTH", "CONNECTION")
_LEFT_TO_GUNICORN = {"TRANSFER-ENCODING", "EXPECT", "TRAILER", "TE", "UPGRADE"}
_LENGTH = re.compile(r"[0-9]{1,7}", re.ASCII)


class PlainRequest:
    """What gunicorn's Request says of a request, to who asks this one."""

    __slots__ = (
        "_expected_100_continue", "_is_last", "body", "fragment", "headers", "length", "method", "path", "proxy_protocol_info", "query",
        "scheme", "trailers", "uri", "version",
    )  # fmt: skip

    def __init__(self, method: str, uri: str, path: str, query: str, headers: list[tuple[str, str]], length: int, is_last: bool) -> None:
        self.method, self.uri, self.path, self.query, self.headers, self.length = method, uri, path, query, headers, length
        self.version = (1, 1)
        self.fragment, self.scheme = "", "http"
        self.trailers: list[tuple[str, str]] = []
        self.body = self.proxy_protocol_info = None
        self._expected_100_continue = False
        self._is_last = is_last

    def should_close(self) -> bool:
        return self._is_last


def plain_request(head: bytes, config: Any) -> PlainRequest | None:
    """Of a whole head, with the empty line at its end."""
    found = _HEAD.fullmatch(head) if len(head) <= MAX_BYTES and config.proxy_protocol == "off" else None
    if found is None:
        return None
    lines = found[5].decode("ascii").split("\r\n")
    lines.pop()
    headers = []
    for line in lines:
        name, _, value = line.partition(":")
        headers.append((name.upper(), value.strip(" \t")))
    fields = dict(headers)
    if len(fields) != len(headers) and not _are_single(headers):
        return None
    if not fields.get("HOST") or len(headers) > MAX_FIELDS:
        return None
    if not _LEFT_TO_GUNICORN.isdisjoint(fields) or not fields.keys().isdisjoint(config.secure_scheme_headers):
        return None
    length, connection = fields.get("CONTENT-LENGTH", "0"), fields.get("CONNECTION", "keep-alive").lower()
    if connection not in ("keep-alive", "close") or not _LENGTH.fullmatch(length):
        return None
    method, uri, path, query = (part.decode("ascii") for part in (found[1], found[2], found[3], found[4] or b""))
    return PlainRequest(method, uri, path, query, headers, int(length), connection == "close")


def _are_single(headers: list[tuple[str, str]]) -> bool:
    names = [name for name, _ in headers]
    return all(names.count(name) < 2 for name in _SINGLE)
