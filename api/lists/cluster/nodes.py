"""The slot table of this process: which server of the cluster has which slot, with lent clients and a breaker for each server.

It is learned from the first server that answers, and anew when one says that a slot has moved, or says nothing.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from threading import Lock
from typing import Any, cast

from redis.exceptions import AskError, MovedError

from api.lists.breaker import Breaker
from api.lists.clients import Clients
from contract.errors import StoreError
from contract.settings.settings import hide_password
from contract.store.cluster.address import N_SLOTS, Node, parse

LOOK_EVERY_S = 0.1  # at the most: a server that is away is met by many requests at once


class Nodes:
    """Threads share it. A reader finds the table of before or of after, each slot for itself: a server without a slot says so."""

    def __init__(self, url: str, clock: Callable[[], float] = time.monotonic) -> None:
        """Raises ValueError for an address that can't be one."""
        self.url = url
        self._address = parse(url)
        self._clock = clock
        self.table: list[Breaker | None] = [None] * N_SLOTS
        """By slot, as far as is known."""
        self._known: dict[Node, Breaker] = {}
        self._looking = Lock()
        self._looked_at = -LOOK_EVERY_S
        self.seeds = [self._at(node) for node in self._address.seeds]

    def of(self, slot: int) -> Breaker:
        """The server that has the slot, as far as is known. Raises StoreError where nobody has it."""
        found = self.table[slot]
        if found is None:
            self.look()
            found = self.table[slot]
            if found is None:
                raise StoreError(f"No server of {hide_password(self.url)} has slot {slot}, or none answers")
        return found

    def primaries(self) -> list[Breaker]:
        """All servers that have slots."""
        self.of(0)
        return list({id(each): each for each in self.table if each is not None}.values())

    def n_slots(self, node: Breaker) -> int:
        return sum(1 for each in self.table if each is node)

    def named(self, error: AskError) -> Breaker:
        """The server that another one has named."""
        return self._at(Node(error.host or self._address.seeds[0].host, error.port))

    def moved(self, error: MovedError) -> None:
        """A slot has moved: others may have, too."""
        self.table[error.slot_id] = self.named(error)
        self.look()

    def look(self) -> None:
        """Read the table anew, but where that was done a moment ago. Where nobody answers, it stays."""
        with self._looking:
            if self._clock() < self._looked_at + LOOK_EVERY_S:
                return
            told = next(filter(None, map(_slots, self._to_ask())), None)
            if told is not None:
                self._take(told)
            self._looked_at = self._clock()

    def _to_ask(self) -> Iterable[Breaker]:
        """Those that answer first."""
        every = [*{id(each): each for each in (*self._known.values(), *self.seeds)}.values()]
        return sorted(every, key=lambda node: node.is_away)

    def _take(self, told: list[Any]) -> None:
        table: list[Breaker | None] = [None] * N_SLOTS
        for begin, end, (host, port, *_), *_replicas in told:
            node = self._at(Node((host or b"").decode() or self._address.seeds[0].host, int(port)))
            table[begin : end + 1] = [node] * (end + 1 - begin)
        self.table = table

    def _at(self, node: Node) -> Breaker:
        found = self._known.get(node)
        if found is None:
            url = self._address.url_of(node)
            found = self._known.setdefault(node, Breaker(Clients.of(url), url, self._clock))
        return found


def _slots(node: Breaker) -> list[Any] | None:
    try:
        return cast("list[Any]", node.ask(lambda redis: redis.execute_command("CLUSTER SLOTS")))  # type: ignore[no-untyped-call]
    except StoreError:
        return None
