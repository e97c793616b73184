"""The diff of a generation with the one before it: made once, kept in the generation's hash, shown to whoever reviews it."""

from __future__ import annotations

from typing import cast

from redis.client import Pipeline

from contract.formats.reports.diff import FIELD, Diff
from contract.formats.states import HAS_LISTS
from contract.store.generations import Generations
from trainer.inspect.compare import compare


def remember_diff(generations: Generations, generation: str) -> Diff | None:
    """Compare `generation` with the one that was current when it began, and keep the result in its hash.

    None, and nothing is kept, when the lists of one of them are not, or no longer, there. Again: the same result.
    """
    before = _before(generations, generation)
    if not before or any(generations.state(name) not in HAS_LISTS for name in (before, generation)):
        return None
    found = compare(generations, before, generation)
    key = generations.keys.generation(generation)

    def keep(pipe: Pipeline) -> None:
        exists = pipe.exists(key)  # a hash that was removed meanwhile must not come back with one field
        pipe.multi()
        if exists:
            pipe.hset(key, FIELD, found.model_dump_json())

    generations.redis.transaction(keep, key)
    return found


def stored_diff(generations: Generations, generation: str) -> Diff | None:
    raw = cast("bytes | None", generations.redis.hget(generations.keys.generation(generation), FIELD))
    return Diff.model_validate_json(raw) if raw else None


def _before(generations: Generations, generation: str) -> str:
    """The generation to compare with, or "": what the verdict names, else what is served beside this one, or was before it."""
    if against := generations.verdict(generation).against:
        return against
    pointer = generations.current()
    if pointer is None:
        return ""
    return pointer.previous if pointer.generation == generation else pointer.generation
