"""What scripts in pages of other origins may ask (the Fetch standard's CORS protocol): by settings, and nothing where they name no origin.

Keys are sent in headers, so no answer allows credentials: a page of another origin never acts with somebody's cookie.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from api.http.route import PAGE
from contract.settings.settings import Settings
from contract.text import words

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

_EXPOSED = "ETag, X-Request-ID, Retry-After, Location, WWW-Authenticate, Deprecation, Sunset, Link"

Headers = list[tuple[str, str]]


class Cors:
    def __init__(self, settings: Settings) -> None:
        origins = {origin.lower() for origin in words(settings.api_cors_origins)}
        self._is_for_all = "*" in origins
        self._origins = frozenset(origins)
        self._for_preflights = [
            ("Access-Control-Allow-Methods", ", ".join(words(settings.api_cors_methods))),
            ("Access-Control-Allow-Headers", ", ".join(words(settings.api_cors_headers))),
            ("Access-Control-Max-Age", str(settings.api_cors_max_age_s)),
            ("Vary", "Access-Control-Request-Method, Access-Control-Request-Headers"),
        ]

    @classmethod
    def of(cls, settings: Settings) -> Cors | None:
        return cls(settings) if words(settings.api_cors_origins) else None

    def preflight(self, environ: WSGIEnvironment) -> Headers | None:
        """The headers of the answer to a browser that asks what it may ask; None for any other request."""
        if environ["REQUEST_METHOD"] != "OPTIONS" or "HTTP_ORIGIN" not in environ or "HTTP_ACCESS_CONTROL_REQUEST_METHOD" not in environ:
            return None
        return [*self._for_preflights] if self._allows(environ["HTTP_ORIGIN"]) else [self._for_preflights[-1]]

    def mark(self, environ: WSGIEnvironment, headers: Headers) -> None:
        """Say in an answer that a page's script may have it; and to caches, whoever asks, that this depends on the origin."""
        if PAGE in environ:
            return
        if self._is_for_all:
            headers.append(("Access-Control-Allow-Origin", "*"))
        else:
            headers.append(("Vary", "Origin"))
            origin = environ.get("HTTP_ORIGIN", "")
            if not self._allows(origin):
                return
            headers.append(("Access-Control-Allow-Origin", origin))
        headers.append(("Access-Control-Expose-Headers", _EXPOSED))

    def _allows(self, origin: str) -> bool:
        return self._is_for_all or origin.lower() in self._origins
