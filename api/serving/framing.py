"""Where a request ends, found in the bytes that have come so far. What they mean is left to gunicorn's parser, or is plain."""

from __future__ import annotations

import io
import re
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.http.body import ChunkedReader  # type: ignore[import-untyped]
from gunicorn.http.message import Request  # type: ignore[import-untyped]
from gunicorn.http.unreader import IterUnreader  # type: ignore[import-untyped]

from api.http.problems import MAX_BODY_BYTES, RequestError, body_too_large
from api.serving.plain_heads import plain_request

MAX_HEAD_BYTES = 2**16
MAX_LINE_BYTES = 8190  # of a request, as gunicorn has it, and of a chunk's size with its extensions
MAX_RAW_BYTES = 4 * MAX_BODY_BYTES  # of a body in chunks, with their sizes
_SIZE = re.compile(rb"([0-9a-fA-F]{1,16})(?:[ \t]*;[^\r\n]*)?")
_END, _LINE = b"\r\n\r\n", b"\r\n"
_NEWEST = (1, 1)


@dataclass(slots=True)
class Arriving:
    """A request whose head is there. `body` is what `wsgi.input` reads; `refusal` is what it gets in place of an answer."""

    request: Any
    length: int = 0
    chunks: Chunks | None = None
    refusal: RequestError | None = None
    is_last: bool = False  # what comes after it on its connection can't be told
    body: Any = field(default_factory=io.BytesIO)

    def take_body(self, data: bytearray, is_end: bool) -> bool:
        """Take the body out of `data`, once it is whole, or the client has ended; false: there is more to come."""
        if self.refusal is not None:
            return True
        if self.chunks is None:
            if len(data) < self.length and not is_end:
                return False
            self.is_last = len(data) < self.length
            if self.length:
                self.body = io.BytesIO(data[: self.length])
                del data[: self.length]
            return True
        if not self.chunks.is_whole(data) and not is_end:
            return False
        if self.chunks.is_too_large:
            self.refuse()
            return True
        end = self.chunks.end or len(data)
        self.is_last = not self.chunks.end
        self.request.unreader.unread(bytes(data[:end]))
        del data[:end]
        self.body = self.request.body
        return True

    def refuse(self) -> None:
        self.refusal, self.is_last = body_too_large(), True

    def takes_continue(self) -> bool:
        """True once, where the client waits for a word before it sends the body."""
        waits, self.request._expected_100_continue = self.request._expected_100_continue, False
        return bool(waits)


class Chunks:
    """How far a body in chunks is understood: `end` is its length, once it is known to be whole."""

    def __init__(self) -> None:
        self.end = 0
        self.is_too_large = False
        self._at = 0
        self._n_bytes = 0
        self._in_trailer = False

    def is_whole(self, data: bytearray) -> bool:
        """Also true for what can't become a body any more: reading it says what is wrong."""
        while not self._in_trailer:
            line_end = data.find(_LINE, self._at, self._at + MAX_LINE_BYTES)
            if line_end < 0:
                return len(data) - self._at >= MAX_LINE_BYTES
            line = _SIZE.fullmatch(data, self._at, line_end)
            if line is None:
                return True
            size = int(line[1], 16)
            if self._n_bytes + size > MAX_BODY_BYTES or self._at > MAX_RAW_BYTES:
                self.is_too_large = True
                return True
            following = line_end + 2 + (size + 2 if size else 0)
            if following > len(data):
                return False
            if data[following - 2 : following] != _LINE:
                return True
            self._at, self._n_bytes, self._in_trailer = following, self._n_bytes + size, size == 0
        if data.startswith(_LINE, self._at):
            self.end = self._at + 2
        elif (found := data.find(_END, self._at)) >= 0:
            self.end = found + 4
        return self.end > 0 or len(data) - self._at > MAX_HEAD_BYTES


def take_head(data: bytearray, config: Any, address: Any, number: int, is_end: bool = False) -> Arriving | None:
    """Take a request's head out of `data`; None: there is more to come. Raises gunicorn's errors for what is not HTTP."""
    end = data.find(_END, 0, MAX_HEAD_BYTES)
    if end < 0:
        if not is_end and not _is_hopeless(data):
            return None
        # Read what is there, for the error that says what is wrong with it.
        with suppress(errors.NoMoreData):
            Request(config, IterUnreader([bytes(data)]), address, number)
        raise errors.LimitRequestHeaders("the head has no end")
    head = bytes(data[: end + 4])
    del data[: end + 4]
    plain = plain_request(head, config)
    arriving = _read_by_gunicorn(head, config, address, number) if plain is None else Arriving(plain, plain.length)
    if arriving.length > MAX_BODY_BYTES:
        arriving.refuse()
    return arriving


def _read_by_gunicorn(head: bytes, config: Any, address: Any, number: int) -> Arriving:
    request = Request(config, IterUnreader([head]), address, number)
    request.version = min(request.version, _NEWEST)  # of the answer, too
    if not _has_host(request):
        raise errors.InvalidHeader("HOST")
    arriving = Arriving(request)
    reader = request.body.reader
    if isinstance(reader, ChunkedReader):
        arriving.chunks = Chunks()
    else:
        arriving.length = reader.length
    return arriving


def _has_host(request: Any) -> bool:
    """As RFC 9112, 3.2 asks of HTTP/1.1. Raises for a coding that would have to be decoded (6.1)."""
    has_host: bool = request.version < _NEWEST
    for name, value in request.headers:
        if name == "HOST":
            has_host = True
        elif name == "TRANSFER-ENCODING" and value.lower() != "chunked":
            raise errors.UnsupportedTransferCoding(value)
    return has_host


def _is_hopeless(data: bytearray) -> bool:
    """No further byte makes a head of it."""
    if len(data) >= MAX_HEAD_BYTES or data.count(b"\n") != data.count(_LINE):
        return True
    return data.find(_LINE, 2, MAX_LINE_BYTES + 4) < 0 and len(data) > MAX_LINE_BYTES + 4
