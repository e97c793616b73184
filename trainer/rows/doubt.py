"""What was read without a fault and yet looks wrong."""

from __future__ import annotations

from dataclasses import dataclass

SAME_BYTES = "files with the same bytes are all read"


@dataclass(frozen=True, slots=True)
class Doubt:
    """`what` is kept in the manifest, and therefore names no user; `advice` may."""

    what: str
    advice: str
