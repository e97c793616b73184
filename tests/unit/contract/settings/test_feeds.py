"""Settings of streams that events are read from."""

from __future__ import annotations

import pytest

from contract.errors import SettingsError
from contract.settings.settings import Settings

ON = {"LARDER_EVENTS": "1"}


def test_feeds_are_named_without_their_passwords() -> None:
    text = "redis://:secret@one:6379/3?stream=clicks&group=shop rediss://two?stream=orders"
    one, two = Settings.from_environ({**ON, "LARDER_EVENTS_FROM": text}).feeds
    assert (one.url, one.stream, one.group, one.name) == ("redis://:secret@one:6379/3", "clicks", "shop", "redis:clicks")
    assert (two.url, two.stream, two.group) == ("rediss://two", "orders", "larder")
    assert Settings.from_environ({}).feeds == []


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("http://one", "begins with redis://"),
        ("redis://:secret@one:6379/0", "names a host and a stream"),
        ("redis://:secret@one?stream=a&block=1", "'block' is not an option"),
        ("redis://one?stream=a redis://two?stream=a", "the same name"),
        ("redis://ann:pa/secret@one:6379/0?stream=a", "can't be read.*quoted"),
        ("redis://:secret\uff0f@one:6379/0?stream=a", "can't be read.*quoted"),
        ("kafka://ann:secret\uff0f@one:9092/a", "can't be read.*quoted"),
        ("redis://:[secret@one:6379/0?stream=a", "can't be read.*quoted"),
        ("redis://:secret@one:99999/0?stream=a", "can't be read"),
        ("redis://:secret@one:6379/shop?stream=a", "the database is a number"),
        ("redis://:secret@one:6379?db=shop&stream=a", "the database is a number"),
        ("redis://:secret@one:6379/0?stream=a#b", "%23"),
    ],
)
def test_what_is_no_feed_is_refused_without_its_password(text: str, told: str) -> None:
    with pytest.raises(SettingsError, match=told) as error:
        Settings.from_environ({**ON, "LARDER_EVENTS_FROM": text})
    assert "secret" not in str(error.value)


def test_feeds_need_events() -> None:
    with pytest.raises(SettingsError, match="needs LARDER_EVENTS=1"):
        Settings.from_environ({"LARDER_EVENTS_FROM": "redis://one?stream=a"})


def test_names_in_messages() -> None:
    assert Settings.from_environ({"LARDER_EVENTS_FIELDS": "user_id=customer, item_id=sku"}).names_in_messages == {
        "user_id": "customer",
        "item_id": "sku",
    }
    for text in ("user=customer", "user_id", "user_id="):
        with pytest.raises(SettingsError, match="field=name"):
            Settings.from_environ({"LARDER_EVENTS_FIELDS": text})
    with pytest.raises(SettingsError, match="user_id stands there twice"):
        Settings.from_environ({"LARDER_EVENTS_FIELDS": "user_id=customer,item_id=sku,user_id=visitor"})


def test_a_feed_of_kafka() -> None:
    text = "kafka://ann:se%40cret@one:9092,two:9092/clicks?group=shop&ssl.ca.location=/ca.pem"
    feed = Settings.from_environ({**ON, "LARDER_EVENTS_FROM": text}).feeds[0]
    assert (feed.kind, feed.url, feed.stream, feed.group, feed.name) == ("kafka", "one:9092,two:9092", "clicks", "shop", "kafka:clicks")
    assert (feed.options["sasl.password"], feed.options["security.protocol"], feed.options["ssl.ca.location"]) == (
        "se@cret",
        "SASL_SSL",
        "/ca.pem",
    )
    for wrong in ("kafka://one:9092", "kafka://one/a/b", "kafka://one/a?enable.auto.commit=true", "kafka://one/a?stream=b"):
        with pytest.raises(SettingsError, match="kafka"):
            Settings.from_environ({**ON, "LARDER_EVENTS_FROM": wrong})
