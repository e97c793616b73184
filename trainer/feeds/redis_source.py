"""A stream of a Redis, read by a consumer group."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, cast

from redis import Redis
from redis.exceptions import RedisError, ResponseError

from contract.errors import FeedError
from contract.settings.settings import hide_password
from contract.settings.stores.feeds import Feed
from contract.store.connections import connect
from contract.store.streams.feeds import UNKNOWN
from trainer.feeds.messages import Message

BLOCK_MS = 1000
ABANDONED_MS = 60_000  # from then on a message that another consumer has not acknowledged is taken from it
Entries = list[tuple[bytes, dict[bytes, bytes] | None]]


class RedisSource:
    """What this consumer has read and not acknowledged comes first, then what another one left, then what is new."""

    def __init__(self, feed: Feed) -> None:
        self.name = feed.name
        self._feed, self._consumer = feed, socket.gethostname() or "larder"
        self._redis: Redis = connect(feed.url, timeout_s=5.0, retries=1)
        self._has_own = True
        with self._errors():
            try:
                self._redis.xgroup_create(feed.stream, feed.group, id="0", mkstream=True)
            except ResponseError as error:
                if not str(error).startswith("BUSYGROUP"):
                    raise

    def read(self, n: int) -> Sequence[Message]:
        with self._errors():
            if self._has_own:
                if found := self._read_group("0", n, None):
                    return self._messages(found)
                self._has_own = False
            answer: Any = self._redis.xautoclaim(self._feed.stream, self._feed.group, self._consumer, ABANDONED_MS, count=n)
            claimed = cast("list[tuple[bytes | None, dict[bytes, bytes] | None]]", answer[1])
            if any(entry is None for entry, _ in claimed):  # before Redis 7: trimmed since, and it does not say which; the next look does
                self._has_own = True
                return []
            return self._messages(cast(Entries, claimed) or self._read_group(">", n, BLOCK_MS))

    def done(self, messages: Sequence[Message]) -> None:
        with self._errors():
            self._redis.xack(self._feed.stream, self._feed.group, *[message.place.rpartition(":")[2] for message in messages])

    def lag(self) -> int:
        """What was not read and what was read and not acknowledged. Redis counts the former from version 7 on."""
        with self._errors():
            for group in self._redis.xinfo_groups(self._feed.stream):
                if group["name"] == self._feed.group.encode() and group.get("lag") is not None:
                    return int(group["lag"]) + int(group["pending"])
        return UNKNOWN

    def wait(self, seconds: float) -> None:
        time.sleep(seconds)

    def close(self) -> None:
        self._redis.close()

    def _read_group(self, after: str, n: int, block_ms: int | None) -> Entries:
        answer: Any = self._redis.xreadgroup(self._feed.group, self._consumer, {self._feed.stream: after}, count=n, block=block_ms)
        if not answer:
            return []
        return cast(Entries, answer[self._feed.stream.encode()][0] if isinstance(answer, dict) else answer[0][1])

    def _messages(self, entries: Entries) -> list[Message]:
        """An id begins with the milliseconds when its entry came, but where somebody made one of another kind."""
        return [Message(f"{self.name}:{entry.decode()}", fields or None, int(entry.partition(b"-")[0])) for entry, fields in entries]

    @contextmanager
    def _errors(self) -> Iterator[None]:
        try:
            yield
        except RedisError as error:
            raise FeedError(f"{self.name} at {hide_password(self._feed.url)} can't be read: {error}") from error
