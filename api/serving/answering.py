"""From a whole request to the bytes of its answer, by gunicorn's WSGI: nothing here reads from a connection, or writes to one."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from datetime import timedelta
from functools import lru_cache
from http import HTTPStatus
from typing import Any

from gunicorn import SERVER  # type: ignore[import-untyped]
from gunicorn.http import errors, wsgi  # type: ignore[import-untyped]
from gunicorn.util import http_date  # type: ignore[import-untyped]

from api.http.problems import INVALID, MEDIA_TYPE, REFUSAL, SEE_LOG, RequestError, problem_json
from api.serving.framing import Arriving

_STATUS = {
    errors.LimitRequestLine: 414,
    errors.LimitRequestHeaders: 431,
    errors.ExpectationFailed: 417,
    errors.UnsupportedTransferCoding: 501,
    errors.ForbiddenProxyRequest: 403,
    errors.ConfigurationProblem: 500,
    errors.InvalidResponseHeader: 500,
    errors.InvalidResponseHeaderName: 500,
}


class Outbox:
    """What gunicorn takes for a socket: the parts of an answer, to be sent at once."""

    def __init__(self) -> None:
        self._parts: list[bytes] = []

    def sendall(self, data: bytes) -> None:
        self._parts.append(data)

    def taken(self) -> bytes:
        return b"".join(self._parts)


class PlainResponse:
    """What gunicorn's response makes of an answer whose headers are all our own, in a third of the time."""

    __slots__ = ("_headers",)

    def start_response(self, _status: str, headers: list[tuple[str, str]], _exc_info: Any = None, /) -> Callable[[bytes], object]:
        self._headers = headers
        return self._no_write

    @staticmethod
    def _no_write(_data: bytes) -> None:
        raise NotImplementedError("the body is given to whole()")

    def whole(self, body: bytes, keeps: bool) -> bytes:
        own = "".join([f"{name}: {value}\r\n" for name, value in self._headers])
        head = f"HTTP/1.1 200 OK\r\nServer: {SERVER}\r\nDate: {_date(int(time.time()))}\r\n"
        return f"{head}Connection: {'keep-alive' if keeps else 'close'}\r\n{own}\r\n".encode("latin-1") + body


@lru_cache(maxsize=2)
def _date(second: int) -> str:
    return str(http_date(second))


@dataclass(frozen=True, slots=True)
class Application:
    config: Any
    log: Any
    call: Callable[..., Iterable[bytes]]
    lines: list[str] = field(default_factory=list)
    """Of the log, that were not written yet."""

    def answer(
        self, arrived: Arriving, client: Any, server: Any, since: float, refusal: RequestError | None, must_close: bool
    ) -> tuple[bytes, bool]:
        """The answer's bytes, and whether its connection may have another request. `since`: when the request was whole."""
        response, environ = self.begin(arrived, client, server)
        if refusal is not None:
            environ[REFUSAL] = refusal
        parts = self.call(environ, response.start_response)
        return self.finish(arrived, response, environ, parts, since, must_close)

    def begin(self, arrived: Arriving, client: Any, server: Any) -> tuple[Any, dict[str, Any]]:
        """gunicorn's response, which is empty, and the environ."""
        request = arrived.request
        request._expected_100_continue = False  # whose answer was sent before the body came
        response, environ = wsgi.create(request, Outbox(), client, server, self.config)
        environ["wsgi.multithread"] = True
        environ["wsgi.input"] = arrived.body
        return response, environ

    def finish(
        self, arrived: Arriving, response: Any, environ: dict[str, Any], parts: Iterable[bytes], since: float, must_close: bool
    ) -> tuple[bytes, bool]:
        """`answer`, after the application has given `parts`."""
        if must_close or arrived.is_last:
            response.force_close()
        if getattr(arrived.body, "failed", False):  # what came was no body, so what comes next is no request
            response.force_close()
        try:
            for part in parts:
                response.write(part)
            response.close()
        finally:
            self.log.access(response, arrived.request, environ, timedelta(seconds=time.monotonic() - since))
            if close := getattr(parts, "close", None):
                close()
        return response.sock.taken(), not response.should_close()

    def finish_quick(
        self, arrived: Arriving, response: PlainResponse, environ: dict[str, Any], parts: Iterable[bytes], since: float, must_close: bool
    ) -> tuple[bytes, bool]:
        """`finish`, of an answer of the fast lane to a request of HTTP/1.1; its line of the log is written by `write_log`."""
        body = b"".join(parts)
        keeps = not (must_close or arrived.is_last or arrived.request.should_close())
        if line := self.log.line(200, len(body), environ, time.monotonic() - since):
            self.lines.append(line)
        return response.whole(body, keeps), keeps

    def write_log(self) -> None:
        """Of the thread that calls `finish_quick`."""
        if self.lines:
            self.log.write(self.lines)
            self.lines.clear()

    def failure(self, error: BaseException) -> bytes:
        """For what came before, or instead of, an answer of the application; the connection ends with it."""
        if isinstance(error, RequestError):
            self.log.info("Refused a request: %s", error)
            return _last(error)
        status = _STATUS.get(type(error), 400 if isinstance(error, errors.ParseException | errors.NoMoreData) else 500)
        if status == 500:
            self.log.error("Error handling a request", exc_info=error)
            return _last(RequestError(SEE_LOG, 500, "Internal server error"))
        self.log.info("Refused a request that is not HTTP as it should be: %s", error)
        return _last(RequestError(f"{type(error).__name__}: the request is not HTTP as this server accepts it.", status, INVALID))


def _last(error: RequestError) -> bytes:
    phrase, body = HTTPStatus(error.status).phrase, problem_json(error)
    head = f"HTTP/1.1 {error.status} {phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {len(body)}\r\n\r\n"
    return (head + body).encode("ascii")
