"""What was read without a fault and yet looks wrong."""

from __future__ import annotations

from dataclasses import dataclass

LATER_COLUMNS = "columns that the first file does not have are not read"
MIXED_ZONES = "some times name their zone, and others none"


@dataclass(frozen=True, slots=True)
class Doubt:
    """`what` is kept in the manifest, and therefore names no user; `advice` may."""

    what: str
    advice: str
