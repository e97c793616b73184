from __future__ import annotations

from typing import Any

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TimeoutError as RedisTimeoutError

from api.lists.clients import Clients


class Client:
    def __init__(self) -> None:
        self.is_closed = False

    def close(self) -> None:
        self.is_closed = True


def clients(n: int) -> tuple[Clients, list[Client]]:
    """With so many that are idle."""
    made: list[Any] = [Client() for _ in range(n)]
    left = list(made)
    found = Clients(left.pop)

    def nested(depth: int) -> None:
        if depth:
            found.ask(lambda _client: nested(depth - 1))

    nested(n)
    return found, made


@pytest.mark.parametrize(("error", "closes"), [(RedisTimeoutError, True), (RedisConnectionError, False)])
def test_after_a_timeout_no_idle_connection_is_tried(error: type[Exception], closes: bool) -> None:
    found, made = clients(3)

    def fail(_client: Redis) -> None:
        raise error

    with pytest.raises(error):
        found.ask(fail)
    assert [client.is_closed for client in made].count(True) == (2 if closes else 0)
