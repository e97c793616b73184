"""The layer around Flask (api/serving/middleware.py), where answers with users' lists are sampled."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from random import random
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from api.http.answer_models import ARM, GENERATION
from api.http.request_ids import REQUEST_ID, identify
from api.impressions.shown import ROUTES
from api.serving.middleware import OK, Front, Headers

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIEnvironment

_PINS = (ARM, GENERATION)


class SampledFront(Front):
    """`share`: of answers, chosen by chance and by nothing that a client sends. `keep` gets the request's id and the answer's bytes."""

    def __init__(self, *of_front: Any, share: float, keep: Callable[[str, bytes], None]) -> None:
        super().__init__(*of_front)
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
        if is_drawn and not _is_pinned(environ.get("QUERY_STRING", "")):
            body = self._kept(environ, body)
        return super().respond(environ, start_response, started, route, status, headers, exc_info, body)

    def _kept(self, environ: WSGIEnvironment, body: Iterable[bytes]) -> Iterable[bytes]:
        content = b"".join(body)
        if close := getattr(body, "close", None):
            close()
        if content:  # as it is not for a HEAD
            self._keep(environ.get(REQUEST_ID) or identify(environ), content)
        return (content,)


def _is_pinned(query: str) -> bool:
    """Whether the request names the arm or the generation of its answer, as who tries them does: the user would not have got it."""
    return not parse_qs(query, keep_blank_values=True).keys().isdisjoint(_PINS)
