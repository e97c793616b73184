from __future__ import annotations

from typing import Any

from api.serving.request_queue import RequestQueue, Ticket


def ticket(since: float | None = None) -> Ticket:
    nothing: Any = None
    return Ticket(nothing, nothing) if since is None else Ticket(nothing, nothing, since)


def test_a_ticket_is_given_out_once() -> None:
    waiting = RequestQueue(longest_s=60)
    late, early, last = ticket(since=0), ticket(), ticket(since=0)
    for one in (late, early, last):
        waiting.put(one)
    assert waiting.overdue() == [late]  # first come first: the last one is looked at when the one before it is gone
    assert waiting.take() is early
    assert waiting.overdue() == [last]
    assert not waiting
    waiting.end(1)
    assert waiting.take() is None
