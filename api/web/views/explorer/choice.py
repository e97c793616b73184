"""Which generation the explorer reads: the one that is served, or the one that the address names, as long as its lists are kept."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import cast

from redis import Redis
from werkzeug.exceptions import Gone

from api.lists.pinning import pinned_to, pointer_of
from api.lists.store import Store
from api.lists.view import View
from contract.formats.ids import is_generation_id
from contract.formats.manifest import Pointer
from contract.formats.states import HAS_LISTS
from contract.store.generations import Generations


@dataclass(frozen=True, slots=True)
class Choice:
    """`named`: what the address names, "" where it names none. `offered`: generations that have their lists, newest first."""

    view: View
    served: Pointer
    named: str
    offered: list[str]

    @property
    def pointer(self) -> Pointer:
        return self.view.pointer

    @property
    def is_served(self) -> bool:
        return self.pointer.generation == self.served.generation


@contextmanager
def chosen(store: Store, named: str) -> Iterator[Choice]:
    """Within it, everything is read from the chosen generation. Raises Gone where its lists are not kept, or go meanwhile."""
    served, offered = store.pointers.follow(), store.breaker.ask(lambda redis: with_lists(Generations(redis, store.keys)))
    if not named:
        yield Choice(served, served.pointer, "", offered)
        return
    with pinned_to(store, _pointer(store, named)) as view:
        yield Choice(view, served.pointer, named, offered)
    _pointer(store, named)


def with_lists(generations: Generations) -> list[str]:
    """Generations that have their lists, newest first."""
    names = generations.ids()[::-1]
    return [name for name, state in zip(names, _states(generations.redis, generations, names), strict=True) if state in HAS_LISTS]


def _states(redis: Redis, generations: Generations, names: list[str]) -> list[str]:
    with redis.pipeline(transaction=False) as pipe:
        for name in names:
            pipe.hget(generations.keys.generation(name), "state")
        return [(raw or b"").decode() for raw in cast("list[bytes | None]", pipe.execute())]


def _pointer(store: Store, named: str) -> Pointer:
    found = pointer_of(store, named) if is_generation_id(named) else None
    if found is None:
        raise Gone(
            f"Generation {named[:64]} has no lists: it is unknown, was never complete, or was removed. Choose another one in the explorer."
        )
    return found
