"""Settings of feeds: streams of the user's own from which events are read, besides POST /events."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal, Self
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

from pydantic import BaseModel, ConfigDict, Field, SecretStr, field_validator, model_validator

from contract.text import words

FIELDS = ("user_id", "item_id", "type", "time", "weight", "event_id", "request_id", "generation", "rank")
"""Of an event, as POST /events takes them."""
GROUP = "larder"
_FORM = "redis://HOST:6379/0?stream=NAME&group=larder"
_KAFKA = "kafka://HOST:9092/TOPIC?group=larder"
_DATABASE = re.compile(r"/?[0-9]*", re.ASCII)
_TOPIC = re.compile(r"[A-Za-z0-9._-]{1,249}", re.ASCII)
_OURS = ("bootstrap.servers", "group.id", "enable.auto.commit", "auto.offset.reset", "error_cb")


@dataclass(frozen=True, slots=True)
class Feed:
    """One stream. `url`: the server's, with its password, for who connects, or brokers of Kafka; `options`: of Kafka's client."""

    kind: Literal["redis", "kafka"]
    url: str
    stream: str
    group: str
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """For logs and metrics: without a password."""
        return f"{self.kind}:{self.stream}"


def feed_of(text: str) -> Feed:
    """Raises ValueError, which holds no password."""
    try:
        parts = urlsplit(text)
        _ = parts.scheme == "kafka" or parts.port
    except ValueError:  # which may quote a part of the password
        raise ValueError(
            f"a feed's address can't be read: what a password has besides letters and digits is to be quoted, as %2F for /: {_FORM}"
        ) from None
    if parts.fragment:
        raise ValueError(f"a feed's address has a #: write it as %23: {_FORM}")
    given = dict(parse_qsl(parts.query, keep_blank_values=True))
    if parts.scheme == "kafka":
        return _of_kafka(parts, given)
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise ValueError(f"a feed begins with redis://, rediss://, unix:// or kafka://, as in {_FORM}")
    if not (parts.hostname or parts.scheme == "unix") or not given.get("stream"):
        raise ValueError(f"a feed names a host and a stream, as in {_FORM}")
    stream, group = given.pop("stream"), given.pop("group", "") or GROUP
    if unknown := set(given) - {"db"}:
        raise ValueError(f"{min(unknown)[:40]!r} is not an option of a feed; stream, group and db are: {_FORM}")
    if not given.get("db", "0").isdecimal() or not (parts.scheme == "unix" or _DATABASE.fullmatch(parts.path)):
        raise ValueError(f"the database is a number: {_FORM}")
    return Feed("redis", text.partition("?")[0] + (f"?{urlencode(given)}" if given else ""), stream, group)


def _of_kafka(parts: SplitResult, given: dict[str, str]) -> Feed:
    """user:password@ before the brokers is for SASL; what has a dot is an option of librdkafka."""
    user, at, brokers = parts.netloc.rpartition("@")
    topic, group = parts.path.strip("/"), given.pop("group", "") or GROUP
    if not brokers or not _TOPIC.fullmatch(topic):
        raise ValueError(f"a feed of Kafka names brokers and a topic, as in {_KAFKA}")
    if wrong := [name for name in given if "." not in name or name in _OURS]:
        raise ValueError(f"{wrong[0][:40]!r} is not an option of a feed; group and those of librdkafka are: {_KAFKA}")
    if at:
        name, _, password = user.partition(":")
        given = {
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "sasl.username": unquote(name),
            "sasl.password": unquote(password),
            **given,
        }
    return Feed("kafka", brokers, topic, group, given)


class FeedSettings(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")

    events_from: SecretStr = Field(
        SecretStr(""),
        description="Streams of your own that events are read from, with blanks between: redis://HOST:6379/0?stream=NAME&group=larder "
        "or kafka://HOST:9092/TOPIC?group=larder (the driver kafka). "
        "Needs LARDER_EVENTS (docs/events.md); empty: none.",
    )
    events_fields: str = Field(
        "",
        description="Names that fields of an event have in messages of these streams, as in user_id=customer,item_id=sku; then other "
        "fields of a message are passed over.",
    )

    @property
    def feeds(self) -> list[Feed]:
        """events_from, parsed."""
        return [feed_of(text) for text in self.events_from.get_secret_value().split()]

    @property
    def names_in_messages(self) -> Mapping[str, str]:
        """events_fields, parsed: what a field is called in a message."""
        return dict(_pair(pair) for pair in words(self.events_fields))

    @field_validator("events_from")
    @classmethod
    def _feeds(cls, value: SecretStr) -> SecretStr:
        names = [feed_of(text).name for text in value.get_secret_value().split()]
        if len(set(names)) < len(names):
            raise ValueError("two feeds have the same name; name each stream once")
        return value

    @field_validator("events_fields")
    @classmethod
    def _known_fields(cls, value: str) -> str:
        for pair in words(value):
            name, there = _pair(pair)
            if name not in FIELDS or not there:
                raise ValueError(f"{pair[:40]!r} is not of the form field=name, where field is one of {', '.join(FIELDS)}")
        fields = [_pair(pair)[0] for pair in words(value)]
        if twice := next((field for at, field in enumerate(fields) if field in fields[:at]), None):
            raise ValueError(f"{twice} stands there twice: an event has it once")
        return value

    @model_validator(mode="after")
    def _needs_events(self) -> Self:
        if self.events_from.get_secret_value() and not getattr(self, "events", True):
            raise ValueError("LARDER_EVENTS_FROM needs LARDER_EVENTS=1")
        return self


def _pair(pair: str) -> tuple[str, str]:
    name, _, there = pair.partition("=")
    return name.strip(), there.strip()
