"""The index of titles, as this process holds it: read when items are first asked for by a title, and anew after the items have changed."""

from __future__ import annotations

from threading import Lock
from typing import Any, cast

from api.lists.breaker import Breaker
from api.lists.items_view import ItemsView
from contract.errors import StoreError
from contract.formats.keys import Keys
from contract.formats.titles import PARTS, Titles, decode_part


class HeldTitles:
    """That of one revision. Thread-safe: who asks while one thread reads it waits for it."""

    def __init__(self, breaker: Breaker, keys: Keys) -> None:
        self._breaker = breaker
        self._keys = keys
        self._reading = Lock()
        self._held: tuple[int, Titles] | None = None

    def of(self, view: ItemsView) -> Titles | None:
        """The index of this revision; None where there is none. Raises StoreError, PayloadError."""
        items = view.pointer
        if items is None or not items.n_titles:
            return None
        held = self._held
        if held is None or held[0] != items.revision:
            with self._reading:
                held = self._held
                if held is None or held[0] != items.revision:
                    self._held = None  # never two at a time
                    self._held = held = (items.revision, self._read(items.revision))
        return held[1]

    def _read(self, revision: int) -> Titles:
        key = self._keys.titles(str(revision))
        parts: dict[str, list[Any]] = {}
        for name in PARTS:
            raw = self._breaker.ask(lambda redis, name=name: cast("bytes | None", redis.hget(key, name)))  # type: ignore[misc]
            if raw is None:
                raise StoreError(f"{key} is gone, by which items are found: write the items again with `larder items`")
            parts[name] = decode_part(name, raw)
        return Titles.of_parts(parts)
