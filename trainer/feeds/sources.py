"""Streams of the user's own, as `Feeding` reads them."""

from __future__ import annotations

from contract.settings.stores.feeds import Feed
from trainer.feeds.feeding import Source
from trainer.feeds.redis_source import RedisSource


def opened(feed: Feed) -> Source:
    """Raises FeedError."""
    return RedisSource(feed)
