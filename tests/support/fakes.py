"""A Redis in memory: as much of it as the API reads, with counted round trips."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import TracebackType
from typing import Self, cast

from redis import Redis

from api.lists.clients import Clients
from contract.formats.keys import Keys
from contract.formats.manifest import Pointer
from tests.support.builders import Lists, Metadata, manifest_of, write_lists


class FakeRedis:
    """Raises `failure` at each round trip while it is set."""

    def info(self, _section: str) -> dict[str, object]:
        return {"maxmemory_policy": "noeviction"}

    def __init__(self) -> None:
        self.strings: dict[str, bytes] = {}
        self.hashes: dict[str, dict[str, bytes]] = {}
        self.sorted: dict[str, list[bytes]] = {}
        self.round_trips = 0
        self.failure: Exception | None = None

    @property
    def client(self) -> Redis:
        return cast(Redis, self)

    @property
    def clients(self) -> Clients:
        return Clients(lambda: self.client)

    @property
    def connection(self) -> FakeConnection:
        return FakeConnection(self)

    def get(self, key: str) -> bytes | None:
        self._travel()
        return self.strings.get(key)

    def hget(self, key: str, field: str) -> bytes | None:
        self._travel()
        return self.hashes.get(key, {}).get(field)

    def hgetall(self, key: str) -> dict[bytes, bytes]:
        self._travel()
        return {field.encode(): value for field, value in self.hashes.get(key, {}).items()}

    def zrange(self, key: str, start: int, end: int) -> list[bytes]:
        self._travel()
        return self.sorted.get(key, [])[start : end + 1 or None]

    def zrangebylex(self, key: str, least: bytes, below: bytes, start: int, num: int) -> list[bytes]:
        """`below` is exclusive."""
        self._travel()
        after = least[1:] + (b"\0" if least[:1] == b"(" else b"")
        return [name for name in self.sorted.get(key, ()) if after <= name < below[1:]][start : start + num]

    def exists(self, key: str) -> int:
        self._travel()
        return int(key in self.strings or key in self.hashes or key in self.sorted)

    def hset(self, key: str, mapping: Mapping[str, bytes]) -> None:
        self.hashes.setdefault(key, {}).update(mapping)

    def pipeline(self, transaction: bool = True) -> FakePipeline:
        assert not transaction, "keys of two slots share no transaction in a cluster"
        return FakePipeline(self)

    def _travel(self) -> None:
        self.round_trips += 1
        if self.failure is not None:
            raise self.failure


class FakeConnection:
    """What api.lists.clients.read_all uses of a connection."""

    def __init__(self, redis: FakeRedis) -> None:
        self._redis = redis
        self._answers: list[bytes | None] = []

    def pack_commands(self, commands: Sequence[tuple[str, ...]]) -> list[tuple[str, ...]]:
        return list(commands)

    def send_packed_command(self, commands: list[tuple[str, ...]]) -> None:
        self._redis._travel()
        strings, hashes = self._redis.strings, self._redis.hashes
        self._answers = [strings.get(key) if not field else hashes.get(key, {}).get(field[0]) for _, key, *field in commands]

    def read_response(self) -> bytes | None:
        return self._answers.pop(0)

    def disconnect(self) -> None:
        self._answers.clear()


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
    exists = zcard

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
