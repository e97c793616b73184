"""The states of generations and of runs, by name, and the sets of them that decisions are made by.

Lua scripts write these words (contract/store/lua); a member is equal to its word.
"""

from __future__ import annotations

from enum import StrEnum


class GenerationState(StrEnum):
    """Of a generation that Redis knows. `CURRENT` and `PREVIOUS` are or were served; see contract/store/generations.py for the moves."""

    SCORING = "scoring"
    COMPLETE = "complete"
    CURRENT = "current"
    PREVIOUS = "previous"
    FAILED = "failed"
    PRUNED = "pruned"


HAS_LISTS = frozenset({GenerationState.COMPLETE, GenerationState.CURRENT, GenerationState.PREVIOUS})
"""All lists are in Redis: it can be read, compared and promoted, and needs its trainer no more."""

ROLLBACK = frozenset({GenerationState.COMPLETE, GenerationState.PREVIOUS})
"""It can be promoted, and is not served now."""

GONE = frozenset({GenerationState.FAILED, GenerationState.PRUNED})
"""It is never served, nor again. A generation that Redis doesn't know (the word "") is treated alike: `is_gone`."""

SETTLED = frozenset({GenerationState.COMPLETE, *GONE})
"""Retention may remove it."""


def is_gone(state: str) -> bool:
    """Of a state as Redis has it: "" for a generation that is unknown."""
    return not state or state in GONE


class Waits(StrEnum):
    """Why a complete generation is not promoted (lua/promote.lua)."""

    REFUSED = "refused"
    REVIEW = "review"
    HELD = "held"
    SUPERSEDED = "superseded"
    ARMS = "arms"


class Outcome(StrEnum):
    """What promoting says of a generation whose lists are all there; for another, it says what its state is."""

    PROMOTED = "promoted"
    ALREADY = "already"
    REFUSED = "refused"
    SUPERSEDED = "superseded"
    REVIEW = "review"
    HELD = "held"
    ARMS = "arms"


class RunState(StrEnum):
    """Of a run. After `DISPATCHED` its generation tells the rest."""

    QUEUED = "queued"
    RUNNING = "running"
    DISPATCHED = "dispatched"
    FAILED = "failed"
    CANCELLED = "cancelled"


GOING = frozenset({RunState.QUEUED, RunState.RUNNING})
"""The trainer has it before it."""
