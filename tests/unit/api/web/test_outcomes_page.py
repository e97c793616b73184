"""The page of outcomes: what it says of what is known, and of nothing; and that its link is there where impressions are kept."""

from __future__ import annotations

import pytest

from api.app import create_app
from api.lists.store import Store
from contract.formats.keys import Keys
from contract.formats.outcomes.report import EventCounts, Interval, Outcomes, Rate, Row, Table
from contract.settings.settings import Settings
from tests.support.fakes import FakeRedis

NONE = Rate(n=0, rate=Interval(value=0, low=0, high=0.1))
SOME = Rate(n=3, rate=Interval(value=0.125, low=0.05, high=0.25), corrected=Interval(value=1.5, low=0.75, high=2.25))


def found(share: float = 1, arm: str = "") -> Outcomes:
    row = Row(names=["g1", arm], shown=24, clicks=SOME, conversions=NONE)
    events = EventCounts(by_request=1, by_window=2, of_nothing=4, clicks={"<b>view": 7})
    return Outcomes(
        at="2026-03-10T12:00:00Z", since="2026-03-04", window_s=86_400, share=share, lists=8, shown=24, open=9, events=events,
        tables=[Table(ways=["generation", "arm"], rows=[row]), Table(ways=["rank"], rows=[])],
    )  # fmt: skip


@pytest.mark.parametrize("share", [0.0, 1.0])
def test_where_nothing_is_known_it_says_what_to_do(store: Store, share: float) -> None:
    client = create_app(Settings(impressions=share), store).test_client()
    text = client.get("/outcomes").text
    assert ("LARDER_IMPRESSIONS" in text, "Nothing that was shown is known" in text) == (True, True)
    assert ('href="/outcomes"' in text) == ('href="/outcomes"' in client.get("/runbook").text) == bool(share)


def test_figures_with_their_intervals_and_what_they_are_of(store: Store, fake: FakeRedis) -> None:
    fake.strings[Keys().outcomes] = found(arm="<i>b").model_dump_json().encode()
    text = create_app(Settings(impressions=1), store).test_client().get("/outcomes").text
    for words in (
        "8 lists with 24 items",
        "12.5 %",
        "5.0 % to 25.0 %",
        "1.50",
        "0.75 to 2.25",
        "&lt;i&gt;b",
        "&lt;b&gt;view 7",
        "9 items were shown within",
    ):
        assert words in text, words
    assert "<i>b" not in text
    assert "may have seen a later one" not in text
    fake.strings[Keys().outcomes] = found(share=0.5).model_dump_json().encode()
    assert "may have seen a later one" in create_app(Settings(impressions=0.5), store).test_client().get("/outcomes").text


def test_a_record_of_another_version_counts_as_none(store: Store, fake: FakeRedis) -> None:
    fake.strings[Keys().outcomes] = b"{}"
    assert "Nothing that was shown is known" in create_app(Settings(), store).test_client().get("/outcomes").text
