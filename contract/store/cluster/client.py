"""A cluster as one client, for trainer and workers: redis-py's RedisCluster behind the methods of Redis.

It connects when it is first asked for something. A command that meets a failover is tried again until one server has the slot. What the
cluster's client does in another way than that of one server is set right here: errors are RedisErrors, pipelines go to each server in one
round trip, the time is that of the server with the control keys, whose scripts read it, too.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from functools import partial
from threading import Lock
from typing import Any, TypeVar, cast

from redis import Redis
from redis.backoff import ExponentialBackoff, NoBackoff
from redis.client import Pipeline
from redis.cluster import ClusterNode, RedisCluster
from redis.commands.core import Script
from redis.connection import SSLConnection, parse_url
from redis.exceptions import (
    AskError,
    ClusterDownError,
    ClusterError,
    RedisClusterException,
    ResponseError,
    TryAgainError,
)
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from contract.store.cluster.acknowledged import AcknowledgedParts
from contract.store.cluster.address import CONTROL_SLOT, parse, slot_of
from contract.store.cluster.errors import as_redis_errors
from contract.store.cluster.figures import merged
from contract.store.cluster.parts import Queued, nobody, only_slot, piped

PASSES = (RedisConnectionError, RedisTimeoutError, ClusterDownError, ClusterError, TryAgainError, AskError)
"""What another look at the cluster may mend; a MovedError is an AskError."""
PATIENT, TRIES_MORE = 3, 6  # who is patient with one server waits some 5 s for a failover: its detection and a vote
T = TypeVar("T")


class ClusterRedis(Redis):
    def __init__(self, url: str, *, retries: int, **options: Any) -> None:
        """`options`: of redis-py's connections. Raises ValueError for another URL."""
        super().__init__(connection_pool=nobody())
        self._address = parse(url)
        self._options = options
        tries = retries + TRIES_MORE if retries >= PATIENT else retries
        self._retry = Retry(ExponentialBackoff(cap=1.0, base=0.05), tries, supported_errors=PASSES)
        self._made: RedisCluster | None = None
        self._making = Lock()

    @property
    def behind(self) -> Any:
        """The RedisCluster."""
        with self._making:
            if self._made is None:
                found = dict(parse_url(self._address.url_of(self._address.seeds[0])))  # type: ignore[no-untyped-call]
                if found.pop("connection_class", None) is SSLConnection:
                    found["ssl"] = True
                del found["host"], found["port"]
                seeds: Any = [ClusterNode(*node) for node in self._address.seeds]  # type: ignore[no-untyped-call]
                once = Retry(NoBackoff(), 0)
                self._made = RedisCluster(startup_nodes=seeds, require_full_coverage=False, retry=once, **self._options, **found)
            return self._made

    def execute_command(self, *args: Any, **options: Any) -> Any:
        return self.patiently(lambda: self.behind.execute_command(*args, **options))

    def patiently(self, do: Callable[[], T]) -> T:
        """What `do` gives, which is called again while the cluster has no answer. Raises RedisError."""

        def told() -> T:
            with as_redis_errors():
                return do()

        return self._retry.call_with_retry(told, self._look_again)

    def pipeline(self, transaction: bool = True, shard_hint: object = None) -> Pipeline:  # noqa: ARG002
        return AcknowledgedParts(self, self._run, transaction)

    def transaction(self, func: Callable[[Pipeline], None], *watches: Any, **options: Any) -> Any:
        return self.patiently(lambda: self.behind.transaction(func, *watches, **options))

    def scan_iter(self, *args: Any, **options: Any) -> Iterator[Any]:
        """Of each primary."""
        with as_redis_errors():
            yield from self.behind.scan_iter(*args, **options)

    def unlink(self, *names: Any) -> Any:
        """Each for itself: keys of one command would have to lie in one slot."""
        return self._removed("UNLINK", names)

    def delete(self, *names: Any) -> Any:
        return self._removed("DEL", names)

    def _removed(self, how: str, names: Sequence[Any]) -> int:
        answers = self._run([((how, name), {}) for name in names], False, ())
        if failed := next((answer for answer in answers if isinstance(answer, ResponseError)), None):
            raise failed
        return sum(answers)

    def time(self, **_options: Any) -> Any:
        return self.patiently(lambda: self.server_of(CONTROL_SLOT)[1].time())

    def info(self, section: str | None = None, *_more: Any, **_options: Any) -> Any:
        """Of all primaries, as one server."""

        def ask() -> dict[str, Any]:
            shares = [(self.n_slots(node), self._client(node)) for node in self.primaries()]
            return merged(section or "", [(n, client.info(section) if section else client.info()) for n, client in shares])

        return self.patiently(ask)

    def cluster_state(self) -> dict[str, str]:
        """What CLUSTER INFO says of a server that answers."""
        return self.patiently(lambda: cast("dict[str, str]", self.servers()[0].execute_command("CLUSTER INFO")))  # type: ignore[no-untyped-call]

    def servers(self) -> list[Redis]:
        """Clients of all primaries."""
        return [self._client(node) for node in self.primaries()]

    def primaries(self) -> list[ClusterNode]:
        with as_redis_errors():
            return list(self.behind.get_primaries())

    def n_slots(self, node: ClusterNode) -> int:
        """How many slots a primary has."""
        return sum(1 for nodes in list(self.behind.nodes_manager.slots_cache.values()) if nodes[0].name == node.name)

    def server_of(self, slot: int) -> tuple[str, Redis]:
        """Name and client of the primary that has the slot. Raises ClusterDownError where none has."""
        try:
            node = self.behind.nodes_manager.get_node_from_slot(slot)
        except RedisClusterException as error:
            raise ClusterDownError(str(error)) from None
        return node.name, self._client(node)

    def server_at(self, host: str, port: int) -> Redis:
        """A server that another one has named."""
        node = self.behind.get_node(host=host, port=port) or ClusterNode(host, port)  # type: ignore[no-untyped-call]
        return self._client(node)

    def close(self) -> None:
        with self._making:
            if self._made is not None:
                self._made.close()
            self._made = None

    def _client(self, node: ClusterNode) -> Redis:
        return cast(Redis, self.behind.get_redis_connection(node))

    def _look_again(self, _error: Exception) -> None:
        if self._made is not None:
            with as_redis_errors(quiet=True):
                self._made.nodes_manager.initialize()

    def _run(self, queued: list[Queued], transaction: bool, scripts: Collection[Script]) -> list[Any]:
        if transaction:
            slot = only_slot(queued)
            return self.patiently(lambda: piped(self.server_of(slot)[1], queued, scripts, transaction=True).execute())
        answers: dict[int, Any] = {}
        self.patiently(partial(self._step, queued, scripts, answers))
        return [answers[at] for at in range(len(queued))]

    def _step(self, queued: list[Queued], scripts: Collection[Script], answers: dict[int, Any]) -> None:
        """Add the answers that are missing; a command that had its answer is not sent again."""
        for client, places in self.by_server(queued, answers):
            some = [queued[at] for at in places]
            for at, answer in zip(places, piped(client, some, scripts).execute(raise_on_error=False), strict=True):
                if not isinstance(answer, PASSES):
                    answers[at] = answer
        for at, (args, options) in enumerate(queued):
            if at not in answers:  # it has moved, or is about to: RedisCluster follows
                try:
                    answers[at] = self.behind.execute_command(*args, **options)
                except ResponseError as error:
                    if isinstance(error, PASSES):
                        raise
                    answers[at] = error

    def by_server(self, queued: list[Queued], done: Collection[int] = ()) -> list[tuple[Redis, list[int]]]:
        """Which server is asked what: places of commands, without those that are done."""
        found: dict[str, tuple[Redis, list[int]]] = {}
        for at, (args, _) in enumerate(queued):
            if at not in done:
                slot = slot_of(args)
                name, client = self.server_of(CONTROL_SLOT if slot is None else slot)
                found.setdefault(name, (client, []))[1].append(at)
        return list(found.values())
