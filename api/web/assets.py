"""The scripts and the icon: read once, served under an address that changes with their content. The style is within each page: asking for
it apart would hold up what is seen first."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256
from pathlib import Path

from flask import request
from markupsafe import Markup
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.web.context import PageRoute

TYPES = {
    "live.js": "text/javascript",
    "charts.js": "text/javascript",
    "explore.js": "text/javascript",
    "times.js": "text/javascript",
    "icon.svg": "image/svg+xml",
}
_FOLDER = Path(__file__).parent / "static"


def address(name: str) -> str:
    return f"{request.script_root}/assets/{name}?v={_read(name)[1]}"


@lru_cache(maxsize=1)
def style() -> tuple[Markup, str]:
    """The stylesheet, and what a policy calls it: the only style that a browser obeys in a page."""
    content = (_FOLDER / "style.css").read_text()
    digest = b64encode(sha256(content.encode()).digest()).decode()
    return Markup(content), f"'sha256-{digest}'"  # noqa: S704 (a file of ours)


@lru_cache(maxsize=len(TYPES))
def _read(name: str) -> tuple[bytes, str]:
    """Content and a digest of it."""
    content = (_FOLDER / name).read_bytes()
    return content, sha256(content).hexdigest()[:12]


def pages() -> list[PageRoute]:
    def asset(name: str) -> Response:
        if name not in TYPES:
            raise NotFound("There is no file of this name.")
        content, _ = _read(name)
        return Response(
            content, headers={"Cache-Control": "public, max-age=31536000, immutable"}, content_type=f"{TYPES[name]}; charset=utf-8"
        )

    return [PageRoute("/assets/<name>", asset, "open")]
