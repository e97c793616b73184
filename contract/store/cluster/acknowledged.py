"""Writes to several servers, each with the WAIT for its replicas on the connection that wrote (contract/store/replicas/acknowledged.py)."""

from __future__ import annotations

from collections.abc import Callable, Collection
from random import randrange
from typing import TYPE_CHECKING, Any, NamedTuple

from redis import Redis
from redis.commands.core import Script
from redis.crc import key_slot
from redis.exceptions import AskError, MovedError

from contract.store.cluster.address import key_of, tag_of
from contract.store.cluster.parts import Parts, Queued, piped

if TYPE_CHECKING:
    from contract.store.cluster.client import ClusterRedis

TAGS = 2**20


class Mark(NamedTuple):
    """How long WAIT waits for `n` replicas, and what is written before it: a key for a tag, for a while."""

    n: int
    within_ms: int
    kept_ms: int
    key_of: Callable[[str], str]

    def commands(self, tag: str) -> list[Queued]:
        return [(("SET", self.key_of(tag), "", "PX", self.kept_ms), {}), (("WAIT", self.n, self.within_ms), {})]


class AcknowledgedParts(Parts):
    """The pipeline of a client that may wait for replicas."""

    def __init__(self, client: ClusterRedis, run: Callable[[list[Queued], bool, Collection[Script]], list[Any]], transaction: bool) -> None:
        super().__init__(run, transaction)
        self._client = client

    def acknowledged(self, n: int, within_ms: int, kept_ms: int, key_of: Callable[[str], str]) -> tuple[list[Any], int]:
        """The answers, and how many replicas have it all: those of the server that has the fewest. Of no commands: of all servers."""
        queued, scripts = list(self.command_stack), set(self.scripts)
        mark = Mark(n, within_ms, kept_ms, key_of)
        try:
            answers, had = self._client.patiently(lambda: _sent(self._client, queued, scripts, mark))
        finally:
            self.reset()
        self.raise_first_error(queued, answers)  # type: ignore[no-untyped-call]
        return answers, had


def _sent(client: ClusterRedis, queued: list[Queued], scripts: Collection[Script], mark: Mark) -> tuple[list[Any], int]:
    """All of it once; where the cluster changes on the way, it is sent again as a whole, by `patiently`."""
    answers: dict[int, Any] = {}
    fewest: list[int] = []
    asked: list[tuple[int, AskError]] = []
    for server, places in client.by_server(queued) or [(each, []) for each in client.servers()]:
        some = [queued[at] for at in places]
        *found, marked, had = piped(server, [*some, *mark.commands(_tag(client, server))], scripts).execute(raise_on_error=False)
        if isinstance(marked, Exception):
            raise marked
        fewest.append(int(had))
        for at, answer in zip(places, found, strict=True):
            if isinstance(answer, MovedError):
                raise answer
            if isinstance(answer, AskError):
                asked.append((at, answer))
            answers[at] = answer
    for at, error in asked:  # its slot is on the way to another server
        answers[at], had = _at_the_other(client, queued[at], error, mark, scripts)
        fewest.append(had)
    return [answers[at] for at in range(len(queued))], min(fewest)


def _at_the_other(client: ClusterRedis, command: Queued, error: AskError, mark: Mark, scripts: Collection[Script]) -> tuple[Any, int]:
    """The mark goes to the same slot: the server may have no other."""
    asking: Queued = (("ASKING",), {})
    marking, wait = mark.commands(tag_of(key_of(command[0]) or ""))
    commands = [asking, command, asking, marking, wait]
    _, answer, _, marked, had = piped(client.server_at(error.host, error.port), commands, scripts).execute(raise_on_error=False)
    for each in (answer, marked):
        if isinstance(each, Exception):
            raise each
    return answer, int(had)


def _tag(client: ClusterRedis, server: Redis) -> str:
    """A tag in one of the server's slots; another one each time, since a slot may be on its way to another server."""
    begin = randrange(TAGS)  # noqa: S311 (no secret)
    return next(str(at) for at in range(begin, begin + TAGS) if client.server_of(key_slot(str(at).encode()))[1] is server)
