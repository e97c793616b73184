"""A stream: what comes in is there once Redis has it, is read in its order, and goes once a file has it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from hashlib import sha1
from importlib.resources import files
from typing import Generic, NamedTuple, Protocol, TypeVar, cast

from redis import Redis
from redis.exceptions import NoScriptError, ResponseError

from contract.formats.events import FIELD
from contract.formats.keys import Id

PER_CALL = 1000
NOTHING = "0-0"
ENTRY_BYTES = 32  # as the scripts count what an entry takes besides its own


class OfUser(Protocol):
    """What streams hold: something of one user."""

    @property
    def user_id(self) -> Id: ...


T = TypeVar("T", bound=OfUser)


class Waiting(NamedTuple):
    """Entries that are in no file. `oldest_s`: how long the first of them has waited; counts since the stream began."""

    n: int
    n_bytes: int
    oldest_s: float
    accepted: int
    repeated: int
    refused: int
    written: int


@dataclass(frozen=True, slots=True)
class Stream(Generic[T]):
    """`stream` and `state`: its keys, of one slot; `decode`: what makes an entry of its bytes."""

    redis: Redis
    stream: str
    state: str
    decode: Callable[[bytes], T]

    def read(self, after: str, n: int) -> list[tuple[str, T]]:
        """The next entries after an id of the stream, with their ids."""
        return [(entry, self.decode(raw)) for entry, raw in self._raw(after, n)]

    def settle(self, last: str) -> int:
        """Take all entries up to an id out of the stream, since a file has them; how many."""
        total = 0
        while n := int(cast(int, call(self.redis, "settle_events", (self.stream, self.state), [last.encode(), PER_CALL]))):
            total += n
        return total

    def forget(self, user_id: Id) -> int:
        """Take out what is of a user; how many entries."""
        last, gone = NOTHING, 0
        while entries := self._raw(last, PER_CALL):
            last = entries[-1][0]
            own = [(entry, len(raw)) for entry, raw in entries if str(self.decode(raw).user_id) == str(user_id)]
            if own:
                with self.redis.pipeline(transaction=True) as pipe:
                    for entry, n_bytes in own:
                        pipe.xdel(self.stream, entry)
                        pipe.hincrby(self.state, "bytes", -(n_bytes + ENTRY_BYTES))
                    pipe.execute()
                gone += len(own)
        return gone

    def go_on_after(self, last: str) -> None:
        """Let the ids of the stream rise above `last`, also where Redis has lost the stream and its clock went back."""
        if last == NOTHING:
            return
        try:
            self.redis.xadd(self.stream, {FIELD: b""}, id=last)
            self.redis.xdel(self.stream, last)
        except ResponseError as error:
            if "equal or smaller" not in str(error):  # the ids are there already
                raise

    def waiting(self) -> Waiting:
        with self.redis.pipeline(transaction=False) as pipe:
            pipe.xlen(self.stream)
            pipe.xrange(self.stream, count=1)
            pipe.time()
            pipe.hmget(self.state, "bytes", "accepted", "repeated", "refused", "written")
            n, first, (seconds, micros), (n_bytes, *counts) = pipe.execute()
        began = int(first[0][0].split(b"-")[0]) / 1000 if first else 0.0
        oldest_s = max(0.0, seconds + micros / 1e6 - began) if first else 0.0
        return Waiting(n, int(n_bytes or 0), oldest_s, *(int(one or 0) for one in counts))

    def _raw(self, after: str, n: int) -> list[tuple[str, bytes]]:
        found = cast("list[tuple[bytes, dict[bytes, bytes]]]", self.redis.xrange(self.stream, min=f"({after}", count=n))
        return [(entry.decode(), fields[FIELD]) for entry, fields in found if fields.get(FIELD)]


def call(redis: Redis, name: str, keys: Sequence[str], arguments: Sequence[bytes | int]) -> object:
    """A script by its digest: the API's clients are many, and each would register it."""
    text, digest = _script(name)
    try:
        return redis.evalsha(digest, len(keys), *keys, *arguments)
    except NoScriptError:
        return redis.eval(text, len(keys), *keys, *arguments)


@lru_cache
def _script(name: str) -> tuple[str, str]:
    text = (files("contract.store") / "lua" / f"{name}.lua").read_text()
    return text, sha1(text.encode(), usedforsecurity=False).hexdigest()
