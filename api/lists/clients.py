"""Redis clients that are lent to one command at a time: each keeps one connection, so that no command pays for the pool's checks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any, TypeVar

import hiredis
from redis import Redis
from redis.backoff import NoBackoff
from redis.connection import ConnectionInterface, HiredisRespSerializer
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError
from redis.exceptions import TimeoutError as RedisTimeoutError
from redis.retry import Retry

from contract.errors import SettingsError
from contract.settings.settings import hide_password
from contract.store.connections import connect

TIMEOUT_S = 0.4  # of one command, and of a connection's start: a request must be answered within 1 s while Redis is away
_READS = ("HGET", "GET", "HGETALL")
T = TypeVar("T")


class _Packer(HiredisRespSerializer):
    """redis-py's, which looks at each word of a command thrice, but for the reads that batches are made of."""

    def pack(self, *args: Any) -> list[bytes]:
        if args[0] in _READS:
            return [hiredis.pack_command(args)]
        packed: list[bytes] = super().pack(*args)
        return packed


class Clients:
    """At most as many clients as there were commands at the same time. None connects before its first use, so after the fork."""

    def __init__(self, make: Callable[[], Redis]) -> None:
        self._make = make
        self._idle: deque[Redis] = deque()

    @classmethod
    def of(cls, url: str, variable: str = "LARDER_REDIS_URL") -> Clients:
        """Raises SettingsError, naming the variable, for an address that can't be one."""
        try:
            # A PING before a command would be one more that Redis may refuse, as it does while it can't write to its disk.
            base = connect(url, timeout_s=TIMEOUT_S, retries=0, command_packer=_Packer())
        except SettingsError:
            raise SettingsError(f"{variable}={hide_password(url)}: this can't be the address of a Redis") from None

        def make() -> Redis:
            client = Redis(connection_pool=base.connection_pool, single_connection_client=True)
            # A server that was restarted has closed the connection: that alone is worth a second try, which is refused at once
            # where there is no server. A timeout is not tried again.
            client.set_retry(Retry(NoBackoff(), 1, supported_errors=(RedisConnectionError,)))
            return client

        return cls(make)

    def ask(self, command: Callable[[Redis], T]) -> T:
        """The answer of `command` to a client that nobody else uses meanwhile."""
        client = self.take()
        try:
            return command(client)
        except RedisTimeoutError:
            self.drop_idle()
            raise
        finally:
            self._idle.append(client)

    def take(self) -> Redis:
        """A client that nobody else uses until it is given back."""
        try:
            return self._idle.pop()  # the last one back, whose connection is warm
        except IndexError:
            return self._make()

    def give_back(self, client: Redis) -> None:
        self._idle.append(client)

    def drop_idle(self) -> None:
        """What made one connection die in silence (a failover, a NAT that forgot) has met the idle ones, too: each would cost a timeout."""
        while self._idle:
            with suppress(IndexError, RedisError, OSError):  # another thread may have taken the last one
                self._idle.pop().close()


Command = tuple[str, str] | tuple[str, str, str]


class Spread(Redis, ABC):
    """A client of several servers (api/lists/cluster)."""

    @abstractmethod
    def read_all(self, commands: Sequence[Command]) -> list[bytes | None]: ...


def read_all(client: Redis, commands: Sequence[Command]) -> list[bytes | None]:
    """The answers to reads (GET, HGET, HGETALL) in one round trip: half the time of redis-py's pipeline, which looks at each thrice.

    A connection that the server has closed is tried once more, as in `Clients.make`. Raises what redis-py raises.
    """
    connection = client.connection
    if connection is None:
        if isinstance(client, Spread):
            return client.read_all(commands)
        raise TypeError("read_all needs a client with a connection of its own")
    try:
        return _exchange(connection, commands)
    except RedisConnectionError:
        return _exchange(connection, commands)


def _exchange(connection: ConnectionInterface, commands: Sequence[Command]) -> list[bytes | None]:
    try:
        connection.send_packed_command(connection.pack_commands(commands))  # type: ignore[no-untyped-call]
        return [connection.read_response() for _ in commands]
    except BaseException:
        connection.disconnect()  # type: ignore[no-untyped-call]  # with answers still on the way, the next command would read those
        raise
