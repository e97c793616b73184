"""`generation=` in a query: lists of that generation, so that pages belong together whatever is promoted in between."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, cast

from api.lists.view import View
from contract.experiments.arms import arm_of
from contract.formats.manifest import Pointer
from contract.formats.states import HAS_LISTS

if TYPE_CHECKING:
    from redis import Redis

    from api.lists.store import Store

pinned: ContextVar[View | None] = ContextVar("pinned", default=None)


@contextmanager
def pinned_to(store: Store, pointer: Pointer) -> Iterator[View]:
    """Within it, all is read from the generation of `pointer`, with the items as they are known now."""
    view = store.pointers.view_of(pointer)
    token = pinned.set(view)
    try:
        yield view
    finally:
        pinned.reset(token)


def arm_to_count(pointer: Pointer) -> str:
    """The arm of the user who is answered by `pointer`; "" for none, and for who names what to read: people who test are no users."""
    return arm_of(pointer) if pinned.get() is None else ""


def pointer_of(store: Store, generation: str) -> Pointer | None:
    """How to read `generation`; None for one whose lists are gone, or that never was complete. Raises StoreError."""

    def read(redis: Redis) -> list[bytes | None]:
        return cast("list[bytes | None]", redis.hmget(store.keys.generation(generation), ["state", "pointer"]))

    state, raw = store.breaker.ask(read)
    if state is None or raw is None or state.decode() not in HAS_LISTS:
        return None
    return Pointer.model_validate_json(raw)
