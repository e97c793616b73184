"""What plain questions have in common with WSGI: the body of one, and the headers of its answer."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING

from api.http.responses import JSON

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment


def body_of(environ: WSGIEnvironment, most_bytes: int) -> bytes | None:
    """None for what is not JSON of a stated length, of at most 9,999 bytes. It can be read again."""
    length = environ.get("CONTENT_LENGTH", "")
    if environ.get("CONTENT_TYPE") != JSON or not length.isdecimal() or len(length) > 4 or int(length) > most_bytes:
        return None
    body: bytes = environ["wsgi.input"].read(int(length))
    environ["wsgi.input"] = io.BytesIO(body)
    return body if len(body) == int(length) else None


def headers_of(cache_control: str, tag: str, body: bytes) -> list[tuple[str, str]]:
    """Those of a 200."""
    return [
        ("Cache-Control", cache_control),
        ("Vary", "Accept-Encoding"),
        ("ETag", tag),
        ("Content-Type", JSON),
        ("Content-Length", str(len(body))),
    ]
