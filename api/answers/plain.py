"""The questions that the fast lane knows: one spelling of each, so that what it reads is what the routes would read."""

from __future__ import annotations

import json
import re
from collections.abc import Set
from typing import Any, NamedTuple
from urllib.parse import unquote_plus

from api.http.request_models import MAX_FILTER_CHARACTERS
from contract.formats.keys import Id

MAX_BYTES = 1400
_PLAIN = re.compile(
    rb'\{\s*"user_id":\s*(?:(-?[1-9][0-9]{0,17})|"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,128})")'
    rb'\s*(?:,\s*"k":\s*([1-9][0-9]{0,2}))?\s*(?:,\s*"filter":\s*"([\x20-\x21\x23-\x5b\x5d-\x7e]{1,%d})"\s*)?\}' % MAX_FILTER_CHARACTERS
)
_PATH = re.compile(r"/users/([A-Za-z0-9_~-][A-Za-z0-9._~-]{0,127})/recommendations", re.ASCII)
_ID = re.compile(r"[\x20-\x7e]{1,128}", re.ASCII)
_K = re.compile(r"[1-9][0-9]{0,2}", re.ASCII)
_FILTER = re.compile(rf"[\x20-\x7e]{{1,{MAX_FILTER_CHARACTERS}}}", re.ASCII)
_QUOTED = re.compile(r"[A-Za-z0-9._~%+=<>()'!,*-]+", re.ASCII)
_MAX_ID, _MAX_K = 10**18, 999


class Asked(NamedTuple):
    """`k`: 0 where none is given."""

    user_id: Id
    k: int = 0
    filter: str | None = None
    by_path: bool = False


def of_body(body: bytes) -> Asked | None:
    """None for another question, or another spelling."""
    if plain := _PLAIN.fullmatch(body):
        return Asked(int(plain[1]) if plain[1] else plain[2].decode(), int(plain[3] or 0), plain[4].decode() if plain[4] else None)
    if b'"filter"' not in body or (fields := fields_of(body, {"user_id", "k", "filter"})) is None:
        return None
    user_id, k, text = fields.get("user_id"), fields.get("k", 0), fields.get("filter")
    is_k = type(k) is int and ("k" not in fields or 1 <= k <= _MAX_K)
    if not is_plain_id(user_id) or not is_k or not isinstance(text, str) or not _FILTER.fullmatch(text):
        return None
    return Asked(user_id, k, text)  # type: ignore[arg-type]


def fields_of(body: bytes, names: Set[str]) -> dict[str, Any] | None:
    """Those of an object in JSON, in ASCII, that has no others than these, and none twice; else None."""
    if not body.isascii() or not body.lstrip().startswith(b"{"):
        return None
    try:
        pairs = json.loads(body, object_pairs_hook=list)
        fields: dict[str, Any] = dict(pairs)
    except (ValueError, TypeError, RecursionError):
        return None
    return fields if len(fields) == len(pairs) and fields.keys() <= names else None


def is_plain_id(given: object) -> bool:
    """Of a value of JSON."""
    if type(given) is int:
        return -_MAX_ID < given < _MAX_ID
    return isinstance(given, str) and _ID.fullmatch(given) is not None


def of_path(path: str, query: str) -> Asked | None:
    found = _PATH.fullmatch(path)
    if found is None:
        return None
    if not query:
        return Asked(found[1], by_path=True)
    fields: dict[str, str] = {}
    for part in query.split("&"):
        name, _, value = part.partition("=")
        if name not in ("k", "filter") or name in fields or not _QUOTED.fullmatch(value):
            return None
        fields[name] = unquote_plus(value)
    k, text = fields.get("k", "0"), fields.get("filter")
    if ("k" in fields and not _K.fullmatch(k)) or (text is not None and not _FILTER.fullmatch(text)):
        return None
    return Asked(found[1], int(k), text, by_path=True)
