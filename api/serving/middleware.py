"""The one layer around Flask: request ids, metrics and gzip. One function in place of hooks, which cost more each."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterable, Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, Any

from api.http.problems import MEDIA_TYPE, REFUSAL, RequestError, problem_json
from api.http.request_ids import identify
from api.http.responses import NO_STORE
from api.http.route import ROUTE
from api.http.versions import VERSION_PATH, take_version
from api.metrics.counters import NO_ROUTE, Metrics
from api.serving.cors import Cors

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

    Lane = Callable[[WSGIEnvironment], tuple[list[tuple[str, str]], bytes] | None]

MIN_GZIP_BYTES = 4096  # below, compressing costs more than it saves
GZIP_LEVEL = 3
_COMPRESSIBLE = ("application/json", "application/problem+json", "text/", "application/openapi+json")

Headers = list[tuple[str, str]]
OK, NO_CONTENT = "200 OK", "204 No Content"


class Front:
    """`lanes` answer some paths without the application, or leave them to it by answering None.

    `cors`: None where no page of another origin may ask.
    """

    def __init__(
        self, application: WSGIApplication, metrics: Metrics, lanes: Mapping[str, Lane] | None = None, cors: Cors | None = None
    ) -> None:
        self._application = application
        self._metrics = metrics
        self._lanes = {VERSION_PATH + path: (path, lane) for path, lane in (lanes or {}).items()}
        self._lanes |= {path: (path, lane) for path, lane in (lanes or {}).items()}
        self._cors = cors

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        started = time.perf_counter()
        request_id = identify(environ)
        body: Iterable[bytes]
        path_and_lane = self._lanes.get(environ["PATH_INFO"])
        if REFUSAL in environ:
            route, exc_info = NO_ROUTE, None
            status, headers, body = _refused(environ[REFUSAL])
        elif path_and_lane is not None and (found := path_and_lane[1](environ)) is not None:
            route, status, (headers, content) = path_and_lane[0], OK, found
            body = (content,)
            exc_info = None
        elif self._cors is not None and (allowed := self._cors.preflight(environ)) is not None:
            route, status, headers, exc_info, body = NO_ROUTE, NO_CONTENT, allowed, None, ()
        else:
            route, status, headers, exc_info, body = self._ask(environ)
        if "HTTP_ACCEPT_ENCODING" in environ:
            body = _maybe_gzipped(environ, headers, body)
        headers.append(("X-Request-ID", request_id))
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
