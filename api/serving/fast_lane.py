"""The plain question for a user's list, answered without Flask, which would take as long as the list itself.

Whatever is not quite plain (another field, another spelling, an unknown user, a Redis that is away) is left to the route in
recommendations.py, so that this module has no errors of its own to tell. A test compares the answers of both, byte by byte.
"""

from __future__ import annotations

import io
import re
from typing import TYPE_CHECKING

from api.answers.json_text import generation_json
from api.answers.user_answers import plain_answer
from api.http.responses import JSON, Caching, post_tag
from api.lists.store import Store
from contract.formats.keys import Id

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

PATH = "/recommendations"
MAX_BYTES = 256
_PLAIN = re.compile(
    rb'\{\s*"user_id":\s*(?:(-?[1-9][0-9]{0,17})|"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,128})")'
    rb'\s*(?:,\s*"k":\s*([1-9][0-9]{0,2}))?\s*\}'
)

Answer = tuple[list[tuple[str, str]], bytes]


class FastLane:
    def __init__(self, store: Store, caching: Caching) -> None:
        self._store = store
        self._cache_control = ("Cache-Control", caching.header)

    def answer(self, environ: WSGIEnvironment) -> Answer | None:
        """Headers and body of a 200; None for what Flask has to answer, to which the body is left as it came."""
        if environ.get("CONTENT_TYPE") != JSON or environ["REQUEST_METHOD"] != "POST" or environ.get("QUERY_STRING"):
            return None
        length = environ.get("CONTENT_LENGTH", "")
        if not length.isdecimal() or len(length) > 3 or int(length) > MAX_BYTES:
            return None
        asked: bytes = environ["wsgi.input"].read(int(length))
        plain = _PLAIN.fullmatch(asked) if len(asked) == int(length) else None
        found = self._list(int(plain[1]) if plain[1] else plain[2].decode(), int(plain[3] or 0)) if plain else None
        if found is None:
            environ["wsgi.input"] = io.BytesIO(asked)
        return found

    def _list(self, user_id: Id, k: int) -> Answer | None:
        try:
            pointer = self._store.pointers.current()
            found = self._store.user_list(pointer, user_id)
            if found is None or (self._store.fallback and len(found[1].item_ids) < (k or pointer.k)):
                return None
            members = plain_answer(*found, k or pointer.k)
        except Exception:  # noqa: BLE001 (whatever it is, the route meets it again, and knows how to tell it)
            return None
        body = f"{{{members},{generation_json(pointer)}}}\n".encode()
        headers = [
            self._cache_control,
            ("Vary", "Accept-Encoding"),
            ("ETag", post_tag(pointer, body)),
            ("Content-Type", JSON),
            ("Content-Length", str(len(body))),
        ]
        return headers, body
