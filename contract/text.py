"""Texts that people write into settings, and times as texts."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Literal

CUT = "…"
"""At the end of a text of which only the beginning is shown."""
_VALUES = (
    re.compile(r"""(\bDuplicate entry|\bvalue:) '.*'( for (?:key|column) \S+(?: at row \d+)?["')]*)$"""),
    re.compile(
        r"""(\b[Dd]uplicate (?:entry|key)|\b(?i:value):?|\bstring|\b(?:syntax for type [\w ]+|out of range|for enum \w+|format):)"""
        r""" (?:'.*'|".*")([^'"]*["')]*)$"""
    ),
)
"""In the error of a database. A value may hold quotation marks."""


def words(text: str) -> list[str]:
    """What stands between commas, without blanks around it and without what is empty."""
    return [word.strip() for word in text.split(",") if word.strip()]


def dotted(text: str) -> list[str] | None:
    """What stands between dots; in double quotes it may hold dots, and double quotes written twice. None where nothing stands."""
    parts = re.findall(r'"(?:[^"]|"")+"|[^."]+', text)
    if ".".join(parts) != text or not parts:
        return None
    return [part[1:-1].replace('""', '"') if part.startswith('"') else part for part in parts]


def without_values(reason: str) -> str:
    """What a database says, without the values of rows that it says it of; names of tables and columns stay."""
    for value in _VALUES:
        reason = value.sub(r"\1 (not shown)\2", reason)
    return reason


def utc_text(moment: datetime, precision: Literal["seconds", "milliseconds"] = "seconds") -> str:
    """ISO 8601 in UTC, as in 2026-01-02T03:04:05Z."""
    return moment.astimezone(UTC).isoformat(timespec=precision).replace("+00:00", "Z")
