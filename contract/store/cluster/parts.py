"""Pipelines: one whose commands go to several servers, and leaves it to its client who is asked what; and the part of one server."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any, cast

from redis import Connection, ConnectionPool, Redis
from redis.client import Pipeline
from redis.commands.core import Script

from contract.store.cluster.address import CONTROL_SLOT, slot_of

Queued = tuple[tuple[Any, ...], dict[str, Any]]
"""A command with the options by which its answer is read."""


class _Nobody(Connection):
    def connect(self) -> None:
        raise TypeError("a cluster is asked by slots, never over a connection to nobody in particular")


def nobody() -> ConnectionPool:
    """The pool of a client that has no server of its own."""
    return ConnectionPool(connection_class=_Nobody)


class Parts(Pipeline):
    """`run` gives the answers to commands, an error of Redis as one of them; in a transaction, or each for itself."""

    def __init__(self, run: Callable[[list[Queued], bool, Collection[Script]], list[Any]], transaction: bool) -> None:
        super().__init__(nobody(), {}, transaction, None)
        self._run = run

    def execute(self, raise_on_error: bool = True) -> list[Any]:
        queued, scripts = list(self.command_stack), set(self.scripts)
        try:
            answers = self._run(queued, bool(self.transaction), scripts) if queued else []
        finally:
            self.reset()
        if raise_on_error:
            self.raise_first_error(queued, answers)  # type: ignore[no-untyped-call]
        return answers


def piped(client: Redis, queued: list[Queued], scripts: Collection[Script], *, transaction: bool = False) -> Pipeline:
    """A pipeline of one server with these commands."""
    pipe: Any = client.pipeline(transaction=transaction)
    for args, options in queued:
        pipe.execute_command(*args, **options)
    pipe.scripts |= set(scripts)
    return cast(Pipeline, pipe)


def only_slot(queued: list[Queued]) -> int:
    """That of a transaction. Raises TypeError where it needs several."""
    slots = {slot for args, _ in queued if (slot := slot_of(args)) is not None}
    if len(slots) > 1:
        raise TypeError("the keys of a transaction lie in several slots")
    return slots.pop() if slots else CONTROL_SLOT
