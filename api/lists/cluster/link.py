"""Links (api/lists/link.py) to all servers of a cluster, as one: commands go out by slot, answers come in the order of the commands."""

from __future__ import annotations

import socket
from collections import deque
from collections.abc import Callable, Sequence
from functools import partial
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
        self.n_awaited = 0
        self.answers: deque[Any] = deque()

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
        self._is_outdated = False

    @property
    def is_open(self) -> bool:
        return bool(self._lanes)

    def ends(self) -> list[tuple[socket.socket, Callable[[], list[Any]]]]:
        """As of a link."""
        return [(sock, partial(self._receive, lane)) for lane in self._lanes.values() for sock, _ in lane.link.ends()]

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
        self._lanes, self._is_outdated = {}, False
        self._order.clear()
        for node, sock in made:
            lane = self._lanes[node] = _Lane(Link(node.url))
            lane.link.begin(sock)

    def put(self, commands: Sequence[Command]) -> None:
        """To be sent by the next `flush`, which says so where one of them has no server."""
        lanes, table, order = self._lanes, self._nodes.table, self._order
        for command in commands:
            lane = lanes.get(table[key_slot(command[1].encode())])
            if lane is None:
                self._is_outdated = True
                return
            lane.link.put_one(command)
            lane.n_awaited += 1
            order.append(lane)

    @property
    def is_full(self) -> bool:
        return any(lane.link.is_full for lane in self._lanes.values())

    def flush(self) -> bool:
        """As of a link. Raises OSError, also where the cluster is not as it was."""
        if self._is_outdated:
            raise ConnectionAbortedError("a slot has moved to another server")
        is_left = False
        for lane in self._lanes.values():
            if lane.n_awaited and lane.link.flush():
                is_left = True
        return is_left

    def _receive(self, lane: _Lane) -> list[Any]:
        """The answers whose turn it is, once those of one server have come. Raises OSError at the end of its connection."""
        lane.receive()
        order, found = self._order, []
        while order and (answers := order[0].answers):
            order.popleft()
            found.append(answers.popleft())
        return found

    def close(self) -> None:
        for lane in self._lanes.values():
            lane.link.close()
        self._lanes = {}
        self._order.clear()


def link_of(breaker: Breaker) -> Link | ClusterLink:
    """To the Redis of a breaker. Raises ValueError where only threads can ask it."""
    clients = breaker.clients
    return ClusterLink(clients.nodes) if isinstance(clients, ClusterClients) else Link(breaker.url)
