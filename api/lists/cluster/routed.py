"""A client that asks whichever server has a key. It has no connection of its own, so threads share it.

Each server has its breaker: one that is away stops nobody who asks for slots of the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

from redis import Redis
from redis.client import Pipeline
from redis.commands.core import Script
from redis.crc import key_slot
from redis.exceptions import AskError, ClusterDownError, MovedError, ResponseError, TryAgainError

from api.lists.breaker import Breaker
from api.lists.clients import Command, Spread
from api.lists.cluster.batch import Part
from api.lists.cluster.nodes import Nodes
from contract.errors import StoreError
from contract.settings.settings import hide_password
from contract.store.cluster.address import CONTROL_SLOT, slot_of
from contract.store.cluster.figures import merged
from contract.store.cluster.parts import Parts, Queued, nobody, only_slot, piped

MOVES = 4  # a slot that is still elsewhere after so many is on its way
ONE_MOVED = (AskError, ClusterDownError, TryAgainError)
"""Answers that say where to ask, or to ask later; a MovedError is an AskError."""


class Routed(Spread):
    def __init__(self, nodes: Nodes) -> None:
        super().__init__(connection_pool=nobody())
        self._nodes = nodes

    def execute_command(self, *args: Any, **options: Any) -> Any:
        slot = slot_of(args)
        if slot is None:
            return self._without_key(args, options)
        return _raised(self._at(slot, partial(_given, args, options)))

    def pipeline(self, transaction: bool = True, shard_hint: object = None) -> Pipeline:  # noqa: ARG002
        return Parts(self._run, transaction)

    def read_all(self, commands: Sequence[Command]) -> list[bytes | None]:
        """Answers of all servers in the time of one round trip."""
        slots = [key_slot(command[1].encode()) for command in commands]
        parts = [Part(node, at, [commands[place] for place in at]) for node, at in self._by_node(slots)]
        answers: list[Any] = [None] * len(commands)
        try:
            for part in parts:
                part.send()
            for part in parts:
                found = None
                with suppress(StoreError):  # whoever has its slots now is asked below
                    found = part.read()
                for at, answer in zip(part.places, found or [None] * len(part.places), strict=True):
                    is_elsewhere = found is None or isinstance(answer, ONE_MOVED)
                    answers[at] = self.execute_command(*commands[at]) if is_elsewhere else _raised(answer)
        finally:
            for part in parts:
                part.leave()
        return answers

    def _by_node(self, slots: Sequence[int]) -> Iterable[tuple[Breaker, list[int]]]:
        """Which servers have them, with their places."""
        table = self._nodes.table
        found: dict[Breaker, list[int]] = {}
        for at, slot in enumerate(slots):
            node = table[slot] or self._nodes.of(slot)
            if node in found:
                found[node].append(at)
            else:
                found[node] = [at]
        return found.items()

    def _at(self, slot: int, run: Callable[[Redis], Any]) -> Any:
        """What `run`, whose errors of Redis are answers, says at the server that has the slot. Raises StoreError."""
        nodes = self._nodes
        answer: Any = None
        for _ in range(MOVES):
            node = nodes.of(slot)
            try:
                answer = node.ask(run)
            except StoreError:
                nodes.look()
                if nodes.of(slot) is node:
                    raise
                continue
            if isinstance(answer, MovedError):
                nodes.moved(answer)
                continue
            if isinstance(answer, AskError):
                answer = nodes.named(answer).ask(partial(_asking, run))
            if isinstance(answer, ClusterDownError):
                nodes.look()
            if not isinstance(answer, ONE_MOVED):
                return answer
        raise StoreError(f"Redis at {hide_password(nodes.url)}: slot {slot} is with no server for the moment: {answer}")

    def _without_key(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        if args[0] == "INFO":
            told = [(self._nodes.n_slots(node), _raised(node.ask(partial(_given, args, options)))) for node in self._nodes.primaries()]
            return merged(str(args[1]).lower() if len(args) > 1 else "", told)
        if args[0] == "SCRIPT LOAD":
            shas = [_raised(node.ask(partial(_given, args, options))) for node in self._nodes.primaries()]
            return shas[0]
        return _raised(self._at(CONTROL_SLOT, partial(_given, args, options)))

    def _run(self, queued: list[Queued], transaction: bool, scripts: Collection[Script]) -> list[Any]:
        if transaction:
            found: list[Any] = _raised(self._at(only_slot(queued), partial(_piped, queued, scripts, True)))
            return found
        answers: list[Any] = [None] * len(queued)
        for node, places in self._by_node([CONTROL_SLOT if (slot := slot_of(args)) is None else slot for args, _ in queued]):
            try:
                found = node.ask(partial(_piped, [queued[at] for at in places], scripts, False))
            except StoreError:
                found = [AskError] * len(places)
            for at, answer in zip(places, found, strict=True):
                answers[at] = answer
                if answer is AskError or isinstance(answer, ONE_MOVED):
                    args, options = queued[at]
                    answers[at] = self._at_last(args, options)
        return answers

    def _at_last(self, args: tuple[Any, ...], options: dict[str, Any]) -> Any:
        try:
            return self.execute_command(*args, **options)
        except ResponseError as error:
            return error


def _given(args: tuple[Any, ...], options: dict[str, Any], redis: Redis) -> Any:
    try:
        return redis.execute_command(*args, **options)  # type: ignore[no-untyped-call]
    except ResponseError as error:
        return error


def _asking(run: Callable[[Redis], Any], redis: Redis) -> Any:
    redis.execute_command("ASKING")  # type: ignore[no-untyped-call]
    return run(redis)


def _piped(queued: list[Queued], scripts: Collection[Script], transaction: bool, redis: Redis) -> Any:
    try:
        return piped(redis, queued, scripts, transaction=transaction).execute(raise_on_error=transaction)
    except ResponseError as error:
        return error


def _raised(answer: Any) -> Any:
    if isinstance(answer, ResponseError):
        raise answer
    return answer
