"""The site of the manual, as `make docs-site` makes it, below /manual: files of one folder, and of no other."""

from __future__ import annotations

import re
from base64 import b64encode
from hashlib import sha256
from pathlib import Path

from flask import redirect, request
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from api.web.context import PageContext, PageRoute

HTML = "text/html; charset=utf-8"
TYPES = {
    ".html": HTML,
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".json": "application/json",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".ipynb": "application/x-ipynb+json",
}
ABSENT = "There is no such page in the manual. If it was never made: `make docs-site` makes it, in the folder that LARDER_MANUAL names."
# Nothing from elsewhere. Of scripts within a page those that it came with; the theme styles elements, and draws with data: images.
_POLICY = (
    "default-src 'none'; script-src 'self'{hashes}; worker-src 'self'; connect-src 'self'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
_INLINE = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


def pages(context: PageContext) -> list[PageRoute]:
    """None where no folder is named: then the API knows no such path."""
    if not context.settings.manual:
        return []
    folder = Path(context.settings.manual)

    def first() -> Response:
        return redirect(f"{request.script_root}/manual/")  # links of its pages are relative

    def index() -> Response:
        return file("index.html")

    def file(path: str) -> Response:
        found = inside(folder, path)
        if found is None:
            raise NotFound(ABSENT)
        return _answer(found)

    return [PageRoute("/manual", first, "open"), PageRoute("/manual/", index, "open"), PageRoute("/manual/<path:path>", file, "open")]


def inside(folder: Path, path: str) -> Path | None:
    """The file at `path` below `folder`, or its index where it is a folder; None: not there, not below, or of no known type."""
    try:
        root = folder.resolve()
        found = (root / path).resolve()
        if found.is_dir():
            found = (found / "index.html").resolve()
        is_there = found.is_relative_to(root) and found.suffix in TYPES and found.is_file()
    except (OSError, ValueError):  # too long a name; a NUL in it
        return None
    return found if is_there else None


def _answer(path: Path) -> Response:
    try:
        content = path.read_bytes()
    except OSError:
        raise NotFound(ABSENT) from None
    headers = {
        "Cache-Control": "no-cache",
        "ETag": f'"{sha256(content).hexdigest()[:16]}"',
        "Content-Security-Policy": _policy(path, content),
    }
    answer = Response(content, headers=headers, content_type=TYPES[path.suffix])
    return answer.make_conditional(request.environ)


def _policy(path: Path, content: bytes) -> str:
    scripts = _INLINE.findall(content) if path.suffix == ".html" else []
    hashes = "".join(f" 'sha256-{b64encode(sha256(script).digest()).decode()}'" for script in scripts)
    return _POLICY.format(hashes=hashes)
