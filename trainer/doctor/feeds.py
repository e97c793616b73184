"""Whether streams that events are read from can be reached."""

from __future__ import annotations

from redis.exceptions import RedisError

from contract.settings.drivers import how_to_install
from contract.settings.settings import hide_password
from contract.settings.stores.feeds import Feed
from contract.store.connections import connect
from trainer.doctor.finding import Finding, fail, ok

_ADVICE = "Start its server, or correct LARDER_EVENTS_FROM"


def look_at_feed(feed: Feed, timeout_s: float) -> Finding:
    subject = f"Events from {feed.name}"
    if feed.kind == "kafka":
        return _look_at_topic(feed, subject, timeout_s)
    try:
        with connect(feed.url, timeout_s=timeout_s, retries=1) as redis:
            kind = redis.type(feed.stream)
            if kind not in (b"stream", b"none"):
                return fail(subject, f"{feed.stream} at {hide_password(feed.url)} is not a stream", "Correct LARDER_EVENTS_FROM")
            return ok(subject, f"{hide_password(feed.url)} answers, with {redis.xlen(feed.stream):,} messages there")
    except RedisError as error:
        return fail(subject, f"{hide_password(feed.url)} does not answer as it should: {error}", _ADVICE)


def _look_at_topic(feed: Feed, subject: str, timeout_s: float) -> Finding:
    if missing := how_to_install("kafka"):
        return fail(subject, missing, "Install it, or correct LARDER_EVENTS_FROM")
    from confluent_kafka import KafkaException
    from confluent_kafka.admin import AdminClient

    try:
        admin = AdminClient({**feed.options, "bootstrap.servers": feed.url, "log_level": 0})
        topic = admin.list_topics(feed.stream, timeout=timeout_s).topics[feed.stream]
    except KafkaException as error:
        return fail(subject, f"{feed.url} does not answer as it should: {error.args[0].str()}", _ADVICE)
    if topic.error is not None:
        return fail(subject, f"{feed.url} answers: {topic.error.str()}", "Make the topic, or correct LARDER_EVENTS_FROM")
    return ok(subject, f"{feed.url} answers, with {len(topic.partitions)} partitions of the topic")
