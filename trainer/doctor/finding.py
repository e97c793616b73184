"""One line of what the doctor says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Level = Literal["ok", "warn", "fail"]


@dataclass(frozen=True, slots=True)
class Finding:
    """`level`: fail is what loses lists or stops a run, warn what costs memory, time or certainty. `advice`: what to do, if anything."""

    level: Level
    subject: str
    what: str
    advice: str = ""


def ok(subject: str, what: str) -> Finding:
    return Finding("ok", subject, what)


def warn(subject: str, what: str, advice: str) -> Finding:
    return Finding("warn", subject, what, advice)


def fail(subject: str, what: str, advice: str) -> Finding:
    return Finding("fail", subject, what, advice)
