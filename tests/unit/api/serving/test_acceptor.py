"""Which process takes a connection: two pollers on one socket, and what they tell each other."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack

import pytest
from gunicorn.config import Config  # type: ignore[import-untyped]

from api.serving import acceptor
from api.serving.connection_counts import ALIVE_S, N_SLOTS, ConnectionCounts
from api.serving.connections import Limits
from api.serving.poller import Poller
from tests.support.fakes import Clock


@pytest.fixture
def told() -> memoryview[float]:
    return memoryview(bytearray(16 * N_SLOTS)).cast("d")


@pytest.fixture
def listener() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as found:
        yield found


def poller(shares: ConnectionCounts | None) -> Poller:
    return Poller(Config(), Limits(60, 60), 100, lambda *_: None, lambda _error: b"", shares)


def taken(one: Poller, turns: int = 20) -> int:
    """How many connections it takes of those that wait, which its turns bring one by one."""
    before = len(one._connections)
    for _ in range(turns):
        one.turn(0)
    return len(one._connections) - before


def burst(listener: socket.socket, stack: ExitStack, n: int) -> list[socket.socket]:
    return [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(n)]


def test_who_has_more_leaves_the_next_to_another(told: memoryview[float], listener: socket.socket, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "LEAVE_S", 1e9)
    first, second = poller(ConnectionCounts(1, told)), poller(ConnectionCounts(2, told))
    with ExitStack() as stack:
        for one in (first, second):
            one.tell()
            one.listen([listener])
            stack.callback(one.close)
        burst(listener, stack, 8)
        assert (taken(first), taken(second)) == (1, 2), "not all, though nobody else looks at first"


def test_what_others_leave_is_taken_after_a_moment(
    told: memoryview[float], listener: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another process may be busy, or stopped, and say that it has none."""
    monkeypatch.setattr(acceptor, "LEAVE_S", 0.0)
    one = poller(ConnectionCounts(1, told))
    ConnectionCounts(2, told).tell(0)
    with ExitStack() as stack:
        one.listen([listener])
        stack.callback(one.close)
        burst(listener, stack, 8)
        assert taken(one) == 8


def test_who_stops_takes_all_that_have_connected(told: memoryview[float], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(acceptor, "LEAVE_S", 1e9)
    one, other = poller(ConnectionCounts(1, told)), ConnectionCounts(2, told)
    other.tell(0)
    with ExitStack() as stack, socket.create_server(("127.0.0.1", 0)) as listener:
        one.listen([listener])
        stack.callback(one.close)
        burst(listener, stack, 3)
        assert taken(one) == 1
        one.stop_listening([listener])
        assert len(one._connections) == 3
        one.tell()
        assert not other.has_more(9), "it counts no more"
        one.close()
        assert not other.has_more(9)


def test_who_is_alone_takes_all(told: memoryview[float], listener: socket.socket) -> None:
    for shares in (None, ConnectionCounts(1, told)):
        one = poller(shares)
        with ExitStack() as stack:
            one.listen([listener])
            stack.callback(one.close)
            burst(listener, stack, 4)
            assert taken(one) == 4


def test_a_process_that_says_nothing_counts_for_a_moment(told: memoryview[float]) -> None:
    clock = Clock()
    one, dead = ConnectionCounts(1, told, clock), ConnectionCounts(2, told, clock)
    dead.tell(1)
    assert [one.has_more(n) for n in (0, 1, 2)] == [False, False, True]
    clock.now_s += ALIVE_S
    assert not one.has_more(2)
    again = ConnectionCounts(2 + N_SLOTS, told, clock)  # in the same place
    again.tell(0)
    assert one.has_more(1)
    again.end()
    assert not one.has_more(1)
