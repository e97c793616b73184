"""The layer around Flask (api/serving/middleware.py), where answers with users' lists are sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from api.http.answer_models import ARM, GENERATION
from api.http.request_ids import REQUEST_ID, identify
from api.impressions.shown import ROUTES
from api.serving.middleware import OK, Headers, Middleware

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment


class SamplingMiddleware(Middleware):
    """`share`: of answers, chosen by chance and by nothing that a client sends. `keep`: see Sender.put."""

    def __init__(self, *of_middleware: Any, share: float, keep: Callable[[str, bytes, bool], None]) -> None:
        super().__init__(*of_middleware)
        self._share, self._keep = share, keep

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
        is_drawn = status == OK and route in ROUTES and random() < self._share  # noqa: S311 (of no use to who could foretell it)
        if is_drawn:
            names = parse_qs(environ.get("QUERY_STRING", ""), keep_blank_values=True).keys()
            if ARM not in names:  # who names it tries it: the user would not have got it
                body = self._kept(environ, body, GENERATION in names)
        return super().respond(environ, start_response, started, route, status, headers, exc_info, body)

    def _kept(self, environ: WSGIEnvironment, body: Iterable[bytes], is_pinned: bool) -> Iterable[bytes]:
        """`is_pinned`: to a generation, which is a further page of what a user was shown, or else a try."""
        content = b"".join(body)
        if close := getattr(body, "close", None):
            close()
        if content:  # as it is not for a HEAD
            self._keep(environ.get(REQUEST_ID) or identify(environ), content, is_pinned)
        return (content,)
