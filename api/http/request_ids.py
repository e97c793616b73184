"""The id of a request: in the answer, in the access log, and in whatever the client logs."""

from __future__ import annotations

import re
import secrets
from typing import Any

REQUEST_ID = "larder.request_id"  # its place in the environ
KEY_NAME = "larder.key_name"  # the same of the name of its key, where that has one
USER = "larder.user"  # and of who has signed in at a trusted proxy (api/serving/proxy_headers.py)
_SAFE = re.compile(r"[A-Za-z0-9._:@/+=-]{1,128}", re.ASCII)


def identify(environ: dict[str, Any]) -> str:
    """The id that the client sent as X-Request-ID, if a log can take it as it is; else a new one. The environ keeps it."""
    found: str = environ.get("HTTP_X_REQUEST_ID", "")
    if not _SAFE.fullmatch(found):
        found = secrets.token_hex(8)
    environ[REQUEST_ID] = found
    return found
