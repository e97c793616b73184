"""A topic of Kafka, read by a consumer group."""

from __future__ import annotations

import time
from collections.abc import Sequence

from confluent_kafka import Consumer, KafkaError, KafkaException, TopicPartition
from confluent_kafka import Message as Record

from contract.errors import FeedError
from contract.settings.stores.feeds import Feed
from contract.store.streams.feeds import UNKNOWN
from trainer.feeds.messages import Message

POLL_S = 1.0
ANSWER_S = 10.0


class KafkaSource:
    """Offsets are committed by `done`, and by nothing else; a group that has none begins with the oldest message."""

    def __init__(self, feed: Feed) -> None:
        self.name, self._feed = feed.name, feed
        self._held: list[Record] = []
        own = {"bootstrap.servers": feed.url, "group.id": feed.group, "enable.auto.commit": False, "auto.offset.reset": "earliest"}
        try:
            self._consumer = Consumer({"session.timeout.ms": 10_000, **feed.options, **own, "error_cb": self._note})
            self._looked_at = float("-inf")
            self._look()
            self._consumer.subscribe([feed.stream])
        except KafkaException as error:
            raise self._explained(error) from error

    def read(self, n: int) -> Sequence[Message]:
        held, self._held = self._held, []
        try:
            records = held + self._consumer.consume(n, 0 if held else POLL_S)
            if not records:
                self._look()
        except KafkaException as error:
            raise self._explained(error) from error
        found = []
        for record in records:
            if (failed := record.error()) is not None:
                raise self._explained(failed)
            partition, offset = _place(record)
            found.append(Message(f"{self.name}:{partition}:{offset}", record.value(), record.timestamp()[1]))
        return found

    def done(self, messages: Sequence[Message]) -> None:
        """Offsets of Kafka say where a partition goes on. One that another reader has now is an error, and begins anew."""
        ends: dict[int, int] = {}
        for message in messages:
            partition, offset = map(int, message.place.split(":")[-2:])
            ends[partition] = offset + 1
        offsets = [TopicPartition(self._feed.stream, partition, end) for partition, end in ends.items()]
        try:
            self._consumer.commit(offsets=offsets, asynchronous=False)
        except KafkaException as error:
            raise self._explained(error) from error

    def lag(self) -> int:
        """Of the partitions that this reader has, as of its last answers."""
        try:
            mine = self._consumer.assignment()
            if not mine:
                return UNKNOWN
            total = 0
            for at in self._consumer.committed(mine, timeout=ANSWER_S):
                low, high = self._consumer.get_watermark_offsets(at, cached=True)
                total += max(0, high - (at.offset if at.offset >= 0 else low)) if high >= 0 else 0
        except KafkaException as error:
            raise self._explained(error) from error
        return total

    def wait(self, seconds: float) -> None:
        """A consumer that does not poll is thought dead: it polls, and its partitions give nothing meanwhile."""
        mine = self._consumer.assignment()
        try:
            self._consumer.pause(mine)
            until = time.monotonic() + seconds
            while (left := until - time.monotonic()) > 0:
                if (record := self._consumer.poll(left)) is not None:  # of a partition that came meanwhile
                    self._held.append(record)
            self._consumer.resume(self._consumer.assignment())
        except KafkaException as error:
            raise self._explained(error) from error

    def close(self) -> None:
        self._consumer.close()

    def _look(self) -> None:
        """A broker that is away is silent to who reads; now and then it is asked. A topic that is not there is an error, too."""
        if time.monotonic() - self._looked_at < ANSWER_S:
            return
        told = self._consumer.list_topics(self._feed.stream, timeout=ANSWER_S).topics[self._feed.stream]
        if told.error is not None:
            raise self._explained(told.error)
        self._looked_at = time.monotonic()

    def _note(self, _error: KafkaError) -> None:
        """What librdkafka mends by itself; what it can't is told by who asks."""

    def _explained(self, error: KafkaException | KafkaError) -> FeedError:
        found = error.args[0] if isinstance(error, KafkaException) else error
        return FeedError(f"{self.name} at {self._feed.url} can't be read: {found.str() if isinstance(found, KafkaError) else found}")


def _place(record: Record) -> tuple[int, int]:
    partition, offset = record.partition(), record.offset()
    assert partition is not None  # noqa: S101 (of what was read, for types)
    assert offset is not None  # noqa: S101
    return partition, offset
