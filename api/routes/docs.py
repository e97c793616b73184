"""/openapi.json, and /docs: Swagger UI from an installed package, so that it works without the internet."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import partial
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from flask import Response, request

from api.http.request_models import NoOptions
from api.http.requests import query
from api.http.responses import plain
from api.http.route import Route

HTML = "text/html"
JAVASCRIPT = "text/javascript"
STARTER = "start.js"
_COMMON: dict[str, Any] = {"query": NoOptions, "access": "open", "tag": "Documentation"}
_PACKAGE = "flask_openapi3_swagger"
_ASSETS = {
    "swagger-ui.css": ("css/swagger-ui.css", "text/css"),
    "swagger-ui-bundle.js": ("js/swagger-ui-bundle.js", JAVASCRIPT),
}
_STARTER = "SwaggerUIBundle({url: 'openapi.json', dom_id: '#ui', deepLinking: true, validatorUrl: null});"
_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Larder API</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="docs/swagger-ui.css">
</head>
<body>
<p style="margin: 1rem; font: 16px system-ui, sans-serif"><a href="reference">Larder: reference of the API</a></p>
<div id="ui"></div>
<script src="docs/swagger-ui-bundle.js"></script>
<script src="docs/start.js"></script>
</body>
</html>
"""
# Nothing from elsewhere; Swagger UI styles its elements, and draws with data: images.
_POLICY = "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:"


@dataclass(frozen=True, slots=True)
class DocumentationRoutes:
    """`described` is filled by the caller once all routes are known, these among them. `origin`: that of the API, where it is known."""

    described: dict[str, Any]
    origin: str = ""

    def routes(self) -> list[Route]:
        return [
            Route("GET", "/openapi.json", self.openapi, "This description", answer="application/json", **_COMMON),
            Route("GET", "/docs", self.page, "This description, for people", answer=HTML, **_COMMON),
            *(
                Route("GET", f"/docs/{name}", partial(self.file, name), f"A file of /docs: {name}", answer=media_type, **_COMMON)
                for name, (_, media_type) in (_ASSETS | {STARTER: ("", JAVASCRIPT)}).items()
            ),
        ]

    def openapi(self) -> Response:
        query(NoOptions)
        servers = [{"url": f"{self.origin}{request.script_root}" or "/"}]
        return plain(json.dumps(self.described | {"servers": servers}) + "\n")

    def page(self) -> Response:
        query(NoOptions)
        return Response(
            _PAGE, headers={"Content-Security-Policy": _POLICY, "Cache-Control": "no-cache"}, content_type="text/html; charset=utf-8"
        )

    def file(self, name: str) -> Response:
        query(NoOptions)
        content, media_type = _read(name)
        headers = {"Cache-Control": "public, max-age=86400", "ETag": f'W/"{sha256(content).hexdigest()[:16]}"'}
        return Response(content, headers=headers, content_type=media_type)


def _read(name: str) -> tuple[bytes, str]:
    if name == STARTER:
        return _STARTER.encode(), JAVASCRIPT
    path, media_type = _ASSETS[name]
    return (_folder() / path).read_bytes(), media_type


def _folder() -> Path:
    """Found beside the package: importing it would load the framework that it is made for."""
    spec = find_spec(_PACKAGE)
    folders = spec.submodule_search_locations if spec else None
    if not folders:
        raise FileNotFoundError(f"{_PACKAGE} is not installed")
    return Path(folders[0]) / "templates" / "swagger"
