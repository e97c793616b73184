"""Whether streams that events are read from can be reached."""

from __future__ import annotations

from redis.exceptions import RedisError

from contract.settings.settings import hide_password
from contract.settings.stores.feeds import Feed
from contract.store.connections import connect
from trainer.doctor.finding import Finding, fail, ok

_ADVICE = "Start its server, or correct LARDER_EVENTS_FROM"


def look_at_feed(feed: Feed, timeout_s: float) -> Finding:
    subject = f"Events from {feed.name}"
    try:
        with connect(feed.url, timeout_s=timeout_s, retries=1) as redis:
            kind = redis.type(feed.stream)
            if kind not in (b"stream", b"none"):
                return fail(subject, f"{feed.stream} at {hide_password(feed.url)} is not a stream", "Correct LARDER_EVENTS_FROM")
            return ok(subject, f"{hide_password(feed.url)} answers, with {redis.xlen(feed.stream):,} messages there")
    except RedisError as error:
        return fail(subject, f"{hide_password(feed.url)} does not answer as it should: {error}", _ADVICE)
