"""The one layer around Flask: request ids, metrics and gzip. One function in place of hooks, which cost more each."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from api.http.problems import MEDIA_TYPE, REFUSAL, RequestError, problem_json
from api.http.request_ids import REQUEST_ID, identify
from api.http.responses import NO_STORE
from api.http.route import ROUTE
from api.http.versions import take_version
from api.metrics.counters import NO_ROUTE, Metrics
from api.serving.cors import Cors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    from api.serving.plain.fast_lane import Answer

MIN_GZIP_BYTES = 4096  # below, compressing costs more than it saves
GZIP_LEVEL = 3
_COMPRESSIBLE = ("application/json", "application/problem+json", "text/", "application/openapi+json")

Headers = list[tuple[str, str]]
OK, NO_CONTENT = "200 OK", "204 No Content"


class Middleware:
    """`lane` answers some requests without the application, or leaves them to it by answering None.

    `cors`: None where no page of another origin may ask.
    """

    def __init__(
        self,
        application: WSGIApplication,
        metrics: Metrics,
        lane: Callable[[WSGIEnvironment], Answer | None] = lambda _environ: None,
        cors: Cors | None = None,
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._lane = lane
        self._cors = cors

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        body: Iterable[bytes]
        if REFUSAL in environ:
            route, exc_info = NO_ROUTE, None
            status, headers, body = _refused(environ[REFUSAL])
        elif (found := self._lane(environ)) is not None:
            return self.tell(environ, start_response, found, started)
        elif self._cors is not None and (allowed := self._cors.preflight(environ)) is not None:
            route, status, headers, exc_info, body = NO_ROUTE, NO_CONTENT, allowed, None, ()
        else:
            identify(environ)
            route, status, headers, exc_info, body = self._ask(environ)
        return self.respond(environ, start_response, started, route, status, headers, exc_info, body)

    def tell(self, environ: WSGIEnvironment, start_response: StartResponse, found: Answer, started: float) -> Iterable[bytes]:
        """What the lane has found for a request that came when `time.perf_counter` said `started`."""
        environ[ROUTE] = found.route
        return self.respond(environ, start_response, started, found.route, OK, found.headers, None, (found.body,))

    def respond(
        self,
        environ: WSGIEnvironment,
        start_response: StartResponse,
        started: float,
        route: str,
        status: str,
        headers: Headers,
        exc_info: Any,
        body: Iterable[bytes],
    ) -> Iterable[bytes]:
        """Every answer goes through here once, as it will be but for gzip and the headers that all have."""
        if "HTTP_ACCEPT_ENCODING" in environ:
            body = _maybe_gzipped(environ, headers, body)
        headers.append(("X-Request-ID", environ.get(REQUEST_ID) or identify(environ)))
        if self._cors is not None:
            self._cors.mark(environ, headers)
        start_response(status, headers, exc_info)
        self._metrics.observe(route, environ["REQUEST_METHOD"], status[:3], time.perf_counter() - started)
        return body

    def _ask(self, environ: WSGIEnvironment) -> tuple[str, str, Headers, Any, Iterable[bytes]]:
        """Route, status, headers and body of the application's answer."""
        begun: list[Any] = []

        def begin(status: str, headers: Headers, exc_info: Any = None) -> Any:
            begun[:] = status, headers, exc_info
            return _no_write

        take_version(environ)
        body = self._application(environ, begin)
        status, headers, exc_info = begun
        return environ.get(ROUTE, NO_ROUTE), status, headers, exc_info, body


def _refused(error: RequestError) -> tuple[str, Headers, Iterable[bytes]]:
    content = problem_json(error).encode()
    headers = [("Content-Type", MEDIA_TYPE), ("Content-Length", str(len(content))), ("Cache-Control", NO_STORE), *error.headers.items()]
    return f"{error.status} {HTTPStatus(error.status).phrase}", headers, (content,)


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("WSGI's write() is for applications older than Flask")


def _maybe_gzipped(environ: WSGIEnvironment, headers: Headers, body: Iterable[bytes]) -> Iterable[bytes]:
    """`body`, compressed where it is long, of a kind that shrinks, and the client takes it; `headers` are changed to say so."""
    found = {name.lower(): value for name, value in headers}
    if int(found.get("content-length") or 0) < MIN_GZIP_BYTES or "content-encoding" in found or environ["REQUEST_METHOD"] == "HEAD":
        return body
    if not found.get("content-type", "").startswith(_COMPRESSIBLE) or not accepts_gzip(environ["HTTP_ACCEPT_ENCODING"]):
        return body
    packed = gzip.compress(b"".join(body), GZIP_LEVEL, mtime=0)
    if close := getattr(body, "close", None):
        close()
    headers[:] = [(name, value) for name, value in headers if name.lower() != "content-length"]
    headers += [("Content-Length", str(len(packed))), ("Content-Encoding", "gzip")]
    if "vary" not in found:
        headers.append(("Vary", "Accept-Encoding"))
    return [packed]


def accepts_gzip(accept_encoding: str) -> bool:
    """RFC 9110, 12.5.3: gzip by its name, or by *, unless its weight is 0."""
    weights: dict[str, float] = {}
    for part in accept_encoding.lower().split(","):
        name, *parameters = (piece.strip() for piece in part.split(";"))
        weight = next((text.removeprefix("q=") for text in parameters if text.startswith("q=")), "1")
        try:
            weights[name] = float(weight)
        except ValueError:
            weights[name] = 0.0
    return weights.get("gzip", weights.get("x-gzip", weights.get("*", 0.0))) > 0
