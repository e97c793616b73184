"""Texts that people write into settings, and times as texts."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

CUT = "…"
"""At the end of a text of which only the beginning is shown."""


def words(text: str) -> list[str]:
    """What stands between commas, without blanks around it and without what is empty."""
    return [word.strip() for word in text.split(",") if word.strip()]


def utc_text(moment: datetime, precision: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """ISO 8601 in UTC, as in 2026-01-02T03:04:05Z."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
