"""gunicorn's threaded worker, with Larder's error shape for requests that never reach Flask."""

from __future__ import annotations

import socket
from contextlib import suppress
from http import HTTPStatus
from typing import Any

from gunicorn.http import errors  # type: ignore[import-untyped]
from gunicorn.workers.gthread import ThreadWorker  # type: ignore[import-untyped]

from api.http.problems import MEDIA_TYPE, SEE_LOG, RequestError, problem_json

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


class Worker(ThreadWorker):  # type: ignore[misc]
    def handle_error(self, _req: Any, client: socket.socket, _addr: Any, exc: BaseException) -> None:
        """In place of gunicorn's own, which sends an HTML page: `exc` came before, or instead of, an answer of the application."""
        status = _STATUS.get(type(exc), 400 if isinstance(exc, errors.ParseException) else 500)
        if status == 500:
            self.log.error("Error handling a request", exc_info=exc)
            body = problem_json(RequestError(SEE_LOG, 500, "Internal server error"))
        else:
            self.log.info("Refused a request that is not HTTP as it should be: %s", exc)
            detail = f"{type(exc).__name__}: the request is not HTTP as this server accepts it."
            body = problem_json(RequestError(detail, status))
        phrase, n_bytes = HTTPStatus(status).phrase, len(body)
        head = f"HTTP/1.1 {status} {phrase}\r\nConnection: close\r\nContent-Type: {MEDIA_TYPE}\r\nContent-Length: {n_bytes}\r\n\r\n"
        with suppress(OSError):  # the client has gone
            client.sendall((head + body).encode("ascii"))
