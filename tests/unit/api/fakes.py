"""A Redis in memory: as much of it as the API reads, with counted round trips."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import TracebackType
from typing import Self, cast

from redis import Redis

from api.clients import Clients
from contract.keys import Keys
from contract.manifest import Pointer
from tests.builders import Lists, Metadata, manifest_of, write_lists


class FakeRedis:
    """Raises `failure` at each round trip while it is set."""

    def __init__(self) -> None:
        self.strings: dict[str, bytes] = {}
        self.hashes: dict[str, dict[str, bytes]] = {}
        self.round_trips = 0
        self.failure: Exception | None = None

    @property
    def client(self) -> Redis:
        return cast(Redis, self)

    @property
    def clients(self) -> Clients:
        return Clients(lambda: self.client)

    def get(self, key: str) -> bytes | None:
        self._travel()
        return self.strings.get(key)

    def hget(self, key: str, field: str) -> bytes | None:
        self._travel()
        return self.hashes.get(key, {}).get(field)

    def hset(self, key: str, mapping: Mapping[str, bytes]) -> None:
        self.hashes.setdefault(key, {}).update(mapping)

    def pipeline(self, transaction: bool = True) -> FakePipeline:
        assert not transaction, "keys of two slots share no transaction in a cluster"
        return FakePipeline(self)

    def _travel(self) -> None:
        self.round_trips += 1
        if self.failure is not None:
            raise self.failure


class FakePipeline:
    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._reads: list[Callable[[], object]] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self._reads.clear()

    def hget(self, key: str, field: str) -> None:
        self._reads.append(lambda: self._redis.hashes.get(key, {}).get(field))

    def get(self, key: str) -> None:
        self._reads.append(lambda: self._redis.strings.get(key))

    def zrange(self, _key: str, _start: int, _end: int) -> None:
        self._reads.append(list)

    lrange = zrange

    def zcard(self, _key: str) -> None:
        self._reads.append(int)

    llen = zcard

    def execute(self) -> list[object]:
        self._redis._travel()
        return [read() for read in self._reads]


class Clock:
    """A clock that moves when a test says so."""

    def __init__(self) -> None:
        self.now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


def serve(fake: FakeRedis, lists: Lists, generation: str = "g1", metadata: Metadata | None = None, **fields: object) -> Pointer:
    """What a promotion leaves behind, without the scripts, which need a real Redis."""
    keys, manifest = Keys(), manifest_of(lists, generation, **fields)
    write_lists(fake.client, keys, manifest, lists, metadata)
    pointer = manifest.pointer()
    fake.strings[keys.current] = pointer.model_dump_json().encode()
    return pointer
