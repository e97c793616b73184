"""Named lists: read a chunk at a time, and kept, for a generation never changes what it has."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterator
from threading import Lock
from typing import cast

from api.lists.breaker import Breaker
from contract.formats import payload
from contract.formats.keys import Id, Keys
from contract.formats.manifest import Pointer
from contract.store.lists import CHUNK, INDEX, Index, Listed

MAX_KEPT = 256
"""Chunks that a process keeps: some 25 KB each at the most where ids are numbers."""
Chunk = tuple[tuple[Id, ...], tuple[float, ...]]
NOTHING: Chunk = ((), ())


class NamedLists:
    def __init__(self, breaker: Breaker, keys: Keys) -> None:
        self._breaker = breaker
        self._keys = keys
        self._kept: OrderedDict[tuple[str, str], Chunk] = OrderedDict()
        self._lock = Lock()

    def chunks(self, pointer: Pointer, listed: Listed) -> Iterator[Chunk]:
        """The list from its first item on, a round trip a chunk that is not kept."""
        number = 0
        while True:
            found = self._chunk(pointer.generation, listed.field(number))
            yield found
            if len(found[0]) < CHUNK:
                return
            number += 1

    def index(self, pointer: Pointer) -> Index:
        raw = self._read(pointer.generation, INDEX)
        return Index() if raw is None else Index.model_validate_json(raw)

    def _chunk(self, generation: str, field: str) -> Chunk:
        at = (generation, field)
        with self._lock:
            if (kept := self._kept.get(at)) is not None:
                self._kept.move_to_end(at)
                return kept
        raw = self._read(generation, field)
        if raw is None:
            return NOTHING
        ids, scores = payload.decode(raw)
        found = (tuple(ids), tuple(scores))
        with self._lock:
            self._kept[at] = found
            if len(self._kept) > MAX_KEPT:
                self._kept.popitem(last=False)
        return found

    def _read(self, generation: str, field: str) -> bytes | None:
        key = self._keys.lists(generation)
        return self._breaker.ask(lambda redis: cast("bytes | None", redis.hget(key, field)))
