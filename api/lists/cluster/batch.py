"""One server's part of a batch: sent to all servers first, then read from each, so that they work at the same time."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NoReturn, cast

from redis import Redis
from redis.connection import ConnectionInterface
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import RedisError, ResponseError
from redis.exceptions import TimeoutError as RedisTimeoutError

from api.lists.breaker import Breaker
from api.lists.clients import Command
from contract.errors import StoreError
from contract.store.connections import explained


class Part:
    """`places`: of its commands in the batch. After `send` comes `read` or `leave`."""

    def __init__(self, node: Breaker, places: list[int], commands: Sequence[Command]) -> None:
        self.node, self.places = node, places
        self._commands = commands
        self._client: Redis | None = None
        self._refused: StoreError | None = None

    def send(self) -> None:
        """What can't be sent is asked as a whole by `read`."""
        try:
            self.node.admit()
        except StoreError as error:
            self._refused = error
            return
        try:
            client = self.node.clients.take()
        except RedisError:  # a new one connects
            return
        connection = _connection_of(client)
        try:
            connection.send_packed_command(connection.pack_commands(self._commands))  # type: ignore[no-untyped-call]
        except BaseException as error:
            connection.disconnect()  # type: ignore[no-untyped-call]
            self.node.clients.give_back(client)
            if not isinstance(error, RedisConnectionError | RedisTimeoutError):
                raise
        else:
            self._client = client

    def read(self) -> list[Any]:
        """The answers; a refusal is one of them. A connection that was closed is tried once more. Raises StoreError."""
        if self._refused is not None:
            raise self._refused
        if self._client is not None:
            connection = _connection_of(self._client)
            try:
                found = [_answer(connection) for _ in self._commands]
            except RedisTimeoutError as error:
                self.leave()
                self.node.clients.drop_idle()
                self._fail(error)
            except RedisError:
                self.leave()
            else:
                self.node.clients.give_back(self._client)
                self._client = None
                self.node.answered()
                return found
        try:
            found = self.node.clients.ask(self._exchange)
        except RedisError as error:
            self._fail(error)
        self.node.answered()
        return found

    def _fail(self, error: RedisError) -> NoReturn:
        self.node.failed(error)
        with explained(self.node.url):
            raise error
        raise error

    def leave(self) -> None:
        """Read no answers: the connection, on which they are still on the way, ends."""
        if self._client is not None:
            _connection_of(self._client).disconnect()  # type: ignore[no-untyped-call]
            self.node.clients.give_back(self._client)
            self._client = None

    def _exchange(self, client: Redis) -> list[Any]:
        connection = _connection_of(client)
        try:
            return self._exchanged(connection)
        except RedisConnectionError:
            return self._exchanged(connection)

    def _exchanged(self, connection: ConnectionInterface) -> list[Any]:
        try:
            connection.send_packed_command(connection.pack_commands(self._commands))  # type: ignore[no-untyped-call]
            return [_answer(connection) for _ in self._commands]
        except BaseException:
            connection.disconnect()  # type: ignore[no-untyped-call]
            raise


def _connection_of(client: Redis) -> ConnectionInterface:
    return cast(ConnectionInterface, client.connection)  # each has one of its own (api/lists/clients.py)


def _answer(connection: ConnectionInterface) -> Any:
    try:
        return connection.read_response()
    except ResponseError as error:
        return error
