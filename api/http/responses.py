"""Answers with the headers that all of them share."""

from __future__ import annotations

import time
from zlib import crc32

from flask import Response, request

from contract.experiments.arms import InterleavedPointer, arm_of
from contract.experiments.interleaving import DAY_S
from contract.formats.manifest import Pointer

JSON = "application/json"
NO_STORE = "no-store"


class Caching:
    """What `Cache-Control` says of lists: a private cache may keep them for `max_age_s`, then must ask whether they are the same."""

    def __init__(self, max_age_s: int = 0) -> None:
        self.header = f"private, max-age={max_age_s}" if max_age_s else "private, no-cache"


def of_generation(body: str, pointer: Pointer, caching: Caching, variant: str = "") -> Response:
    """An answer that stays the same as long as the generation is served; 304 for a GET whose client has it already.

    The tag is weak: gzipped or not, the answer means the same. For a POST it tells requests apart, too. `variant`: what else the answer
    to a GET depends on, such as the revision of the items.
    """
    headers = {"Cache-Control": caching.header, "Vary": "Accept-Encoding"}
    content = body.encode()
    if request.method == "POST":
        headers["ETag"] = post_tag(pointer, content)
        return Response(content, 200, headers, content_type=JSON)
    headers["ETag"] = tag = get_tag(pointer, variant)
    if (known := request.environ.get("HTTP_IF_NONE_MATCH")) and _matches(known, tag):
        return Response(status=304, headers=headers)
    return Response(content, 200, headers, content_type=JSON)


def post_tag(pointer: Pointer, content: bytes) -> str:
    return f'W/"{_served(pointer)}-{crc32(content):08x}"'


def get_tag(pointer: Pointer, variant: str) -> str:
    return f'W/"{_served(pointer)}{variant}"'


def _served(pointer: Pointer) -> str:
    if isinstance(pointer, InterleavedPointer):  # whose coins are of an experiment and a day
        coins = crc32(f"{pointer.salt} {int(time.time()) // DAY_S}".encode())
        return f"{pointer.generation}~{pointer.other.generation}~{coins:08x}"
    arm = arm_of(pointer)
    return f"{pointer.generation}~{arm}" if arm else pointer.generation


def plain(body: str, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """An answer that no cache may keep."""
    return Response(body, status, {"Cache-Control": NO_STORE, **(headers or {})}, content_type=JSON)


def _matches(if_none_match: str, tag: str) -> bool:
    """The weak comparison of RFC 9110, 13.1.2."""
    opaque = tag.removeprefix("W/")
    return if_none_match.strip() == "*" or opaque in (part.strip().removeprefix("W/") for part in if_none_match.split(","))
