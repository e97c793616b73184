"""Streams of the user's own, as `Feeding` reads them."""

from __future__ import annotations

from contract.errors import FeedError
from contract.settings.drivers import how_to_install
from contract.settings.stores.feeds import Feed
from trainer.feeds.feeding import Source
from trainer.feeds.redis_source import RedisSource


def opened(feed: Feed) -> Source:
    """Raises FeedError."""
    if feed.kind == "redis":
        return RedisSource(feed)
    if missing := how_to_install("kafka"):
        raise FeedError(f"{feed.name} can't be read: {missing}")
    from trainer.feeds.kafka_source import KafkaSource  # of a driver, which not everybody has

    return KafkaSource(feed)
