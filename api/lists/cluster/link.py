"""Links (api/lists/link.py) to all servers of a cluster, as one: commands go out by slot, answers come in the order of the commands."""

from __future__ import annotations

import selectors
import socket
from collections import deque
from collections.abc import Sequence
from typing import Any

from redis.crc import key_slot

from api.lists.breaker import Breaker
from api.lists.clients import Command
from api.lists.cluster.clients import ClusterClients
from api.lists.cluster.nodes import Nodes
from api.lists.link import Link


class _Lane:
    """A link to one server, with the answers that came before those of others that were asked earlier."""

    def __init__(self, link: Link) -> None:
        self.link = link
        self.unsent: list[Command] = []
        self.n_awaited = 0
        self.answers: deque[Any] = deque()

    def flush(self) -> bool:
        if self.unsent:
            self.link.put(self.unsent)
            self.n_awaited += len(self.unsent)
            self.unsent = []
        return self.link.flush()

    def receive(self) -> None:
        found = self.link.receive()
        self.n_awaited -= len(found)
        if self.n_awaited < 0:
            raise ConnectionAbortedError("more answers came than were asked for")
        self.answers += found


class ClusterLink:
    """Owned by one thread, but for `connect`. A slot that has moved to a server without a link ends it: `connect` then finds that one."""

    def __init__(self, nodes: Nodes) -> None:
        """Raises ValueError for addresses that a link can't use."""
        Link(nodes.seeds[0].url)
        self._nodes = nodes
        self._lanes: dict[Breaker | None, _Lane] = {}
        self._order: deque[_Lane] = deque()
        self._ready: selectors.BaseSelector | None = None
        self._is_outdated = False

    @property
    def is_open(self) -> bool:
        return self._ready is not None

    def fileno(self) -> int:
        """Of what is readable when one of the links is."""
        return -1 if self._ready is None else self._ready.fileno()  # type: ignore[attr-defined]

    def connect(self) -> list[tuple[Breaker, socket.socket]]:
        """Connections to all servers that have slots, for `begin`. Waits; raises OSError, StoreError."""
        made: list[tuple[Breaker, socket.socket]] = []
        try:
            for node in self._nodes.primaries():
                made.append((node, Link(node.url).connect()))
        except BaseException:
            for _, sock in made:
                sock.close()
            raise
        return made

    def begin(self, made: list[tuple[Breaker, socket.socket]]) -> None:
        self._ready, self._lanes, self._is_outdated = selectors.DefaultSelector(), {}, False
        self._order.clear()
        for node, sock in made:
            lane = self._lanes[node] = _Lane(Link(node.url))
            lane.link.begin(sock)
            self._ready.register(sock, selectors.EVENT_READ, lane)

    def put(self, commands: Sequence[Command]) -> None:
        """To be sent by the next `flush`, which says so where one of them has no server."""
        lanes, table, order = self._lanes, self._nodes.table, self._order
        for command in commands:
            lane = lanes.get(table[key_slot(command[1].encode())])
            if lane is None:
                self._is_outdated = True
                return
            lane.unsent.append(command)
            order.append(lane)

    @property
    def is_full(self) -> bool:
        return any(lane.link.is_full for lane in self._lanes.values())

    def flush(self) -> bool:
        """As of a link. Raises OSError, also where the cluster is not as it was."""
        if self._is_outdated:
            raise ConnectionAbortedError("a slot has moved to another server")
        unsent = [lane.flush() for lane in self._lanes.values()]
        return any(unsent)

    def receive(self) -> list[Any]:
        """The answers that are there and whose turn it is. Raises OSError at the end of a connection."""
        lanes = self._lanes.values()
        for lane in [lane for lane in lanes if lane.n_awaited] or lanes:  # those of whom nothing is awaited may have ended
            lane.receive()
        order, found = self._order, []
        while order and (answers := order[0].answers):
            order.popleft()
            found.append(answers.popleft())
        return found

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.link.close()
        if self._ready is not None:
            self._ready.close()
        self._ready, self._lanes = None, {}
        self._order.clear()


def link_of(breaker: Breaker) -> Link | ClusterLink:
    """To the Redis of a breaker. Raises ValueError where only threads can ask it."""
    clients = breaker.clients
    return ClusterLink(clients.nodes) if isinstance(clients, ClusterClients) else Link(breaker.url)
